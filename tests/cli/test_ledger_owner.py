"""Who wrote an intent is known to be at work, known to be gone, or has until its lease is over."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from prefect_storyboard.ledger import Owner
from prefect_storyboard.ledger import owner as owners
from prefect_storyboard.ledger.owner import acting, alive

SLEEP = ["sleep", "60"]


@contextmanager
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as process:
        try:
            yield process
        finally:
            process.kill()


def owner_of(process: subprocess.Popen[bytes]) -> Owner:
    with acting() as me:
        return me.model_copy(update={"pid": process.pid, "started": owners.started(process.pid)})


def test_this_process_lives_as_long_as_it_acts() -> None:
    with acting() as me:
        assert alive(me)
    assert not alive(me)


def test_it_acts_no_more_after_an_error() -> None:
    with pytest.raises(RuntimeError), acting() as me:
        raise RuntimeError
    assert not alive(me)


def test_two_acts_of_one_process_do_not_vouch_for_each_other() -> None:
    with acting() as first:
        with acting() as second:
            assert first.token != second.token
        assert alive(first)
        assert not alive(second)


def test_another_machine_has_the_benefit_of_the_doubt() -> None:
    with acting() as me:
        assert alive(me.model_copy(update={"host": "another machine", "token": "other"}))


def test_the_machine_is_its_name_its_boot_and_its_pid_namespace() -> None:
    name, boot, namespace = owners.host().split("/")
    assert name == os.uname().nodename
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert namespace.startswith("pid:[")


def test_a_living_process_is_alive_and_a_killed_one_is_not() -> None:
    with child() as process:
        owner = owner_of(process)
        assert alive(owner)
        process.kill()
        process.wait()
        assert not alive(owner)


def test_a_killed_process_is_gone_before_its_parent_has_noticed() -> None:
    with child() as process:
        owner = owner_of(process)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert Path(f"/proc/{process.pid}").exists(), "a zombie"
        assert not alive(owner)


def test_a_stopped_process_may_go_on() -> None:
    with child() as process:
        owner = owner_of(process)
        process.send_signal(signal.SIGSTOP)
        assert alive(owner)


def test_a_process_with_the_pid_of_a_dead_one_does_not_pass_for_it() -> None:
    with child() as process:
        assert not alive(owner_of(process).model_copy(update={"started": "1.00"}))


def test_a_clock_that_is_set_by_a_second_makes_nobody_dead() -> None:
    with child() as process:
        owner = owner_of(process)
        assert alive(owner.model_copy(update={"started": f"{float(owner.started) + 1:.2f}"}))


def test_an_earlier_process_with_our_own_pid_is_gone() -> None:
    with acting() as me:
        assert not alive(me.model_copy(update={"token": "of an earlier one"}))


@pytest.mark.parametrize("ticks", ["99", "4711042", "running"])
def test_a_process_that_0_1_0_recorded_is_alive_while_its_pid_is_there(ticks: str) -> None:
    with child() as process:
        owner = owner_of(process).model_copy(update={"started": ticks})
        assert alive(owner)
        process.kill()
        process.wait()
        assert not alive(owner)


@pytest.mark.skipif(os.geteuid() == 0 or not psutil.pid_exists(1), reason="root may signal every process")
def test_a_process_of_another_user_counts_as_alive() -> None:
    with acting() as me:
        assert alive(me.model_copy(update={"pid": 1, "started": "running"}))


def test_a_process_that_proc_hides_counts_as_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(pid: int) -> None:
        raise psutil.NoSuchProcess(pid)

    def refused(_pid: int, _signal: int) -> None:
        raise PermissionError

    with child() as process:
        owner = owner_of(process)
        with monkeypatch.context() as patch:
            patch.setattr(psutil, "Process", hidden)
            assert alive(owner)
            patch.setattr(os, "kill", refused)
            assert alive(owner)


def test_a_process_about_which_the_system_says_nothing_counts_as_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(pid: int) -> None:
        raise psutil.AccessDenied(pid)

    with child() as process:
        owner = owner_of(process)
        monkeypatch.setattr(psutil, "Process", denied)
        assert alive(owner)
