"""MCP tools that answer with structured content and its JSON text, described by a schema.

Gradio's own write an answer as Python does, which no client can parse, and describe none.
"""

import json
from typing import Any

from gradio import mcp

from cifar.ui.api import answers


class JsonTools(mcp.GradioMCPServer):
    """Gradio's MCP server with structured answers.

    Source: https://modelcontextprotocol.io/specification/2025-06-18/server/tools.
    """

    def create_mcp_server(self) -> Any:
        """Add schemas of the answers to the list of tools, and structured content to results."""
        server: Any = super().create_mcp_server()
        handlers = server.request_handlers
        list_tools = handlers[self.types.ListToolsRequest]
        call_tool = handlers[self.types.CallToolRequest]

        async def list_with_schemas(request: Any) -> Any:
            result = await list_tools(request)
            for tool in result.root.tools:
                called: Any = self.get_block_fn_from_endpoint_name(self.tool_to_endpoint[tool.name])
                tool.outputSchema = answers.schema(called.fn)
            return result

        async def call_with_structure(request: Any) -> Any:
            result = await call_tool(request)
            if not result.root.isError:
                result.root.structuredContent = json.loads(result.root.content[-1].text)
            return result

        handlers[self.types.ListToolsRequest] = list_with_schemas
        handlers[self.types.CallToolRequest] = call_with_structure
        return server

    def postprocess_output_data(self, data: Any, root_url: str) -> list:
        """Return the picture, if there is one, as Gradio does, and the answer as JSON."""
        *picture, answer = data
        types: Any = self.types
        text = types.TextContent(type="text", text=json.dumps(answer))
        return [*super().postprocess_output_data(picture, root_url), text]


def install() -> None:
    """Make Gradio use these tools for the next server."""
    vars(mcp)["GradioMCPServer"] = JsonTools
