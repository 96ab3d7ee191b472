"""The page's scripts and styles, served at an address that depends on their content.

After an update a browser must not combine its cached old files with new ones. The address is the
same for all processes of one version.
"""

from functools import cache

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from cifar import PACKAGE
from cifar.files import folder_hash

COMPONENTS = PACKAGE / "ui" / "components"
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
}  # systems know others, or none
YEAR = 365 * 24 * 3600  # seconds

# Run when a tab's element is there: loads the module that fills `.ROOT`, by the address in the
# tab's data. An old page may ask for scripts of before an update, which are gone.
START = """
const page = props.page;
const root = element.querySelector('.ROOT');
import(new URL(page.script, document.baseURI))
  .then((module) => module.connect(root, page, server, upload))
  .catch((error) => {
    const again = document.createElement('button');
    again.textContent = 'reload the page';
    again.onclick = () => location.reload();
    root.setAttribute('role', 'alert');
    root.replaceChildren(`This tab did not start (${error.message}): `, again);
  });
"""


@cache
def _folder() -> str:
    return f"components/{folder_hash(COMPONENTS)}"


def address(name: str) -> str:
    """Return the address of a script for the page, relative to the app's address."""
    return f"{_folder()}/{name}"


def start(root: str) -> str:
    """Return the code that starts a tab. root: the class of the element that it fills."""
    return START.replace("ROOT", root)


def route() -> Route:
    """Return the route that serves the scripts; a browser need not ask for one of them again."""
    files = {
        path.relative_to(COMPONENTS).as_posix(): path
        for path in COMPONENTS.rglob("*")
        if path.is_file()
    }

    async def serve(request: Request) -> Response:
        path = files.get(request.path_params["path"])
        if path is None:
            return PlainTextResponse("There is no such script.", 404)
        kept = {"Cache-Control": f"max-age={YEAR}, immutable"}
        return FileResponse(path, media_type=TYPES[path.suffix], headers=kept)

    return Route(f"/{_folder()}/{{path:path}}", serve)
