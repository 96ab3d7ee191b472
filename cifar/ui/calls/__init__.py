"""What programs may ask: five functions of plain values, whose docstrings are their documentation.

Gradio and MCP clients show those docstrings: an argument or a part of the answer is described in
one line. What comes may be forged; what cannot be done is a LensError.
"""

from cifar.ui.calls.pictures import classify, explain
from cifar.ui.calls.recorded import MAX_ROWS, compare, get_mistake, list_mistakes

__all__ = ["MAX_ROWS", "classify", "compare", "explain", "get_mistake", "list_mistakes"]
