"""Many visitors at once: every answer is right, and heavy questions hold up no light ones."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import pytest

from cifar.ui.security import work_queues
from tests.serving import asking, wait_for
from tests.ui.server import load

HEAVY = {"model": "basenet", "image": {"index": 3}, "target": 3}


@pytest.mark.slow
def test_visitors_who_ask_at_once_get_right_answers(server, quiet):
    config = server.config()["components"]
    explorer = next(one for one in config if one["props"].get("elem_id") == "explorer")
    tasks = load.tasks(explorer["props"]["props"]["page"]["files"])
    path = server.upload(load.BUS.name, load.BUS.read_bytes())

    async def crowd():
        async with httpx.AsyncClient(timeout=300) as http:
            visitors = [
                load.Visitor(number, http, server.url, explorer["id"], path)
                for number in range(len(tasks))
            ]
            return await asyncio.gather(
                *(task.do(visitor) for task, visitor in zip(tasks, visitors, strict=True))
            )

    done = asyncio.run(crowd())  # a wrong answer raises
    put_off = {task.kind for task, was_done in zip(tasks, done, strict=True) if not was_done}
    assert put_off == set()


def test_heavy_questions_hold_up_no_light_ones(server, ask, explore):
    room = work_queues.HEAVY.limiter.total_tokens + work_queues.HEAVY.waiting
    asks = [asking(server, server.http, "classify") for _ in range(room + 1)]
    with ThreadPoolExecutor(room + 1) as threads, server.holding() as entered:
        answers = [threads.submit(one, "trust", HEAVY) for one in asks]
        # All that there is room for wait; one more is told so at once.
        wait_for(lambda: entered() and any(answer.done() for answer in answers))
        assert "probabilities" in ask("look", HEAVY)
        assert "file" in explore("asset", {"kind": "pack", "name": "basenet"})
        refused = [answer for answer in answers if answer.done()]
        assert [answer.result() for answer in refused] == [work_queues.QUEUE_FULL_ANSWER]
        (server.folder / "hold").unlink()
        assert sum("sentence" in answer.result(120) for answer in answers) == room


def test_questions_of_visitors_who_left_are_not_answered(server, ask):
    left, stays = ({**HEAVY, "image": {"index": index}} for index in (4, 5))
    sums = {index: int(load.store.test_images()[index].sum()) for index in (3, 4, 5)}
    with ThreadPoolExecutor(work_queues.CORES + 1) as threads, server.holding() as entered:
        running = int(work_queues.HEAVY.limiter.total_tokens)
        first = [threads.submit(ask, "trust", HEAVY) for _ in range(running)]
        wait_for(lambda: len(entered()) == running)
        for _ in range(3):
            server.ask_and_leave("classify", "trust", left)
        last = threads.submit(ask, "trust", stays)
        (server.folder / "hold").unlink()
        assert all("sentence" in answer.result(120) for answer in [*first, last])
        assert entered() == [sums[3]] * running + [sums[5]]


@pytest.mark.slow
def test_a_full_queue_of_calls_says_so_and_empties(server):
    path = server.upload("bus.png", load.BUS.read_bytes())
    arguments = {"image": {"path": path}, "model": "basenet", "target": "truck"}
    calls = f"{server.url}/gradio_api/call"
    events = []
    with server.holding():
        for _ in range(200):
            asked = server.http.post(f"{calls}/v2/explain", json=arguments)
            if asked.status_code != 200:
                break
            events.append(asked.json()["event_id"])
        assert asked.status_code == 503 and "Queue is full" in asked.text
        assert len(events) >= 64
    for event in events:
        assert "event: complete" in server.http.get(f"{calls}/explain/{event}").text


def test_a_queue_that_is_full_says_so_and_empties():
    go = threading.Event()

    def wait(question):
        go.wait(60)
        return {"got": question}

    async def main():
        queue, answers = work_queues.WorkQueue(running=1, waiting=2), []

        async def ask(number):
            answers.append(await queue.answer(wait, number))

        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(ask, number)
                await anyio.wait_all_tasks_blocked()
            assert queue.full and await queue.answer(wait, 3) == work_queues.QUEUE_FULL_ANSWER
            go.set()
        assert sorted(one["got"] for one in answers) == [0, 1, 2] and not queue.full

    anyio.run(main)


def test_what_fails_is_logged_and_said_in_a_sentence(caplog):
    def fail(question):
        raise ZeroDivisionError("a defect")

    answer = anyio.run(work_queues.WorkQueue(1, 1).answer, fail, {})
    assert answer == work_queues.FAILURE_ANSWER and "a defect" in caplog.text


def test_slow_maps_wait_among_the_heavy():
    assert work_queues.light_or_heavy({"method": "scorecam"}) is work_queues.HEAVY
    for question in ({"method": "gradcam"}, {}, None, {"method": []}):
        assert work_queues.light_or_heavy(question) is work_queues.LIGHT
