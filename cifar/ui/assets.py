"""The files that tabs fetch from the server: packs and sheets, made when they are first needed."""

from functools import partial

from cifar import LensError
from cifar.explore import page_data
from cifar.ui.security.temporary_files import address, server_folder
from cifar.ui.validation import image_index, model_name, report_errors


def folder() -> str:
    """Return the address of the folder that the files are in, which `asset` names."""
    return address(server_folder().made.path) + "/"


@report_errors
def asset(question: dict) -> dict:
    """Return the file of a pack or a sheet of thumbnails.

    question: kind (pack, sheet or neighbors), name (of the pack or model, or the sheet's number)
    and, for neighbors, the number of the sheet.
    """
    kind, name = question.get("kind"), question.get("name")
    if kind == "pack":
        pack = next((one for one in page_data.pack_names() if one == name), None)
        if pack is None:
            raise LensError("There is no such model: reload the page.")
        # A pack compares its model with all others, so that one more makes it anew.
        key = "-".join([pack, *page_data.models()])
        return {"file": server_folder().made.once(key, ".pack", partial(page_data.pack, pack))}
    if kind == "neighbors":
        model = model_name(name)
        number = image_index(question.get("number"), page_data.neighbor_sheets(model))
        make = partial(page_data.neighbor_sheet, model, number)
        return {"file": server_folder().made.once(f"neighbors-{model}-{number}", ".png", make)}
    number = image_index(name, page_data.sheets())
    make = partial(page_data.sheet, number)
    return {"file": server_folder().made.once(f"sheet{number}", ".png", make)}
