"""Fifty visitors at once: every answer is right, nobody starves, memory stays."""

import asyncio
import os
import threading
import time
from statistics import median

import anyio
import httpx
import pytest

from cifar.ui import lines
from tests.server import load
from tests.server.conftest import asking

SECONDS = 120
GROWTH = 1.05  # of memory in the last quarter, beside the second


@pytest.mark.slow
def test_fifty_visitors_get_right_answers(server):
    report = asyncio.run(load.crowd(server.url, seconds=SECONDS, memory=lambda: server.memory))
    second, last = (
        median(size for after, size in report.memory if from_ <= 4 * after / SECONDS < from_ + 1)
        for from_ in (1, 3)
    )
    growth = last / second
    print(f"\n{report}\nmemory {second / 2**20:.0f} MB, x{growth:.3f}; load {os.getloadavg()}")
    assert report.mistakes == []
    assert {"answer", "heat map", "pack", "sheet", *("classify", "explain", "compare")} <= set(
        report.seconds
    )
    # Who only wants an answer is never put off, and waits less than the heavy questions take.
    assert report.busy["answer"] == report.busy["pack"] == 0
    assert growth <= GROWTH
    assert "Traceback" not in server.log


@pytest.mark.slow
def test_heavy_questions_hold_up_no_light_ones(server, client, ask):
    question = {"model": "basenet", "image": {"index": 3}, "target": 3}
    ask("look", question)
    answers = []

    def heavy():
        answers.append(asking(server, client, "classify")("trust", question))

    crowd = [threading.Thread(target=heavy) for _ in range(40)]
    for thread in crowd:
        thread.start()
    spent = []
    while any(thread.is_alive() for thread in crowd):
        began = time.monotonic()
        assert "probabilities" in ask("look", question)
        spent.append(time.monotonic() - began)
    put_off = [one for one in answers if one.keys() == {"error"}]
    assert all(one == lines.FULL for one in put_off)
    # Those that the line has room for are answered.
    assert len(answers) - len(put_off) >= lines.HEAVY.waiting
    assert put_off and max(spent) < 5, (len(put_off), max(spent))


@pytest.mark.slow
def test_a_full_queue_of_calls_says_so_and_empties(server):
    path = server.upload("bus.jpg", load.BUS.read_bytes())
    arguments = {"image": {"path": path}, "model": "basenet", "target": "truck"}
    calls = f"{server.url}/gradio_api/call"

    async def ask(http, told):
        asked = await http.post(f"{calls}/v2/explain", json=arguments)
        if asked.status_code == 200:
            event = asked.json()["event_id"]
            answer = (await http.get(f"{calls}/explain/{event}")).raise_for_status().text
            assert "event: complete" in answer
        told.append((asked.status_code, asked.text))

    async def crowd():
        told = []
        async with httpx.AsyncClient(timeout=120) as http, anyio.create_task_group() as group:
            for _ in range(160):
                group.start_soon(ask, http, told)
        return told

    told = asyncio.run(crowd())
    assert {status for status, _ in told} == {200, 503}
    refused = [text for status, text in told if status == 503]
    assert len(told) - len(refused) >= 64
    assert all("Queue is full" in text for text in refused)


def test_a_line_that_is_full_says_so_and_empties():
    go = threading.Event()

    def wait(question):
        go.wait(60)
        return {"got": question}

    async def main():
        line, answers = lines.Line(running=1, waiting=2), []

        async def ask(number):
            answers.append(await line.answer(wait, number))

        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(ask, number)
                await anyio.wait_all_tasks_blocked()
            assert line.full and await line.answer(wait, 3) == lines.FULL
            go.set()
        assert sorted(one["got"] for one in answers) == [0, 1, 2] and not line.full

    anyio.run(main)


def test_what_fails_is_logged_and_said_in_a_sentence(caplog):
    def fail(question):
        raise ZeroDivisionError("a defect")

    answer = anyio.run(lines.Line(1, 1).answer, fail, {})
    assert answer == lines.BROKEN and "a defect" in caplog.text


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ({"method": "scorecam"}, lines.HEAVY), ({"method": "gradcam"}, lines.LIGHT),
        ({}, lines.LIGHT), (None, lines.LIGHT), ({"method": []}, lines.LIGHT),
    ],
)  # fmt: skip
def test_slow_maps_wait_among_the_heavy(question, line):
    assert lines.light_or_heavy(question) is line
