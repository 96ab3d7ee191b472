import threading

from cifar.ui.security.temporary_files import FileCache, address


def test_a_file_is_named_after_its_content(tmp_path):
    served = FileCache(tmp_path)
    first, again, other = (served.add("a", ".pack", c) for c in (b"one", b"one", b"two"))
    assert first == again != other
    assert (served.path / first).read_bytes() == b"one"
    assert sorted(path.name for path in served.path.iterdir()) == sorted([first, other])


def test_many_visitors_at_once_have_it_made_once(tmp_path):
    served, made, names = FileCache(tmp_path), [], []
    gate = threading.Barrier(8)

    def make():
        made.append(1)
        return b"content"

    def visit():
        gate.wait()
        names.append(served.once("resnet/judged", ".pack", make))

    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and len(set(names)) == 1 and names[0].startswith("resnet-")


def test_nobody_waits_for_what_somebody_else_asked_for(tmp_path):
    served, asked, there = FileCache(tmp_path), threading.Event(), threading.Event()

    def slow():
        asked.set()
        assert there.wait(60)
        return b"slow"

    thread = threading.Thread(target=served.once, args=("slow", ".pack", slow))
    thread.start()
    assert asked.wait(60)
    assert served.once("quick", ".pack", lambda: b"quick").startswith("quick-")
    there.set()
    thread.join()


def test_what_failed_is_made_again(tmp_path):
    served = FileCache(tmp_path)
    for attempt in range(2):
        try:
            served.once("a", ".pack", lambda: 1 / 0)
        except ZeroDivisionError:
            continue
        raise AssertionError(attempt)
    assert served.once("a", ".pack", lambda: b"good")


def test_addresses_are_relative_so_that_the_app_may_live_below_a_path(tmp_path):
    assert address(tmp_path / "a.pack") == f"gradio_api/file={tmp_path}/a.pack"
