"""What other tests of this project have ready is used here too."""

from tests.server.conftest import start_server  # noqa: F401
from tests.test_annotations import real, serve  # noqa: F401
from tests.test_data import release  # noqa: F401
