"""`storyboard doctor`: every account and the library on one screen, or in one line each, and an exit code."""

import io
from collections.abc import Iterator

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr
from rich.cells import cell_len
from rich.console import Console

from prefect_storyboard.blocks import KieCredentials
from prefect_storyboard.cli.doctor import show
from prefect_storyboard.cli.main import app
from prefect_storyboard.flows.doctor import Finding
from prefect_storyboard.sandbox.server import environment, running

# Prefect 3.9 never closes the client with which it asks its server; see tests/flows/conftest.py.
PREFECTS_OWN_LEAK = r"ignore:unclosed <socket.socket .* raddr=\('127.0.0.1', 8\d\d\d\)>"
GATEWAYS = ("fal", "kie", "toapis", "wavespeed")
SECRET = "s3cr3t-of-the-studio"
KEYS = {
    "FAL_KEY": "{}:" + SECRET,
    "KIE_API_KEY": "{}" + SECRET,
    "TOAPIS_API_KEY": "sk-{}" + SECRET,
    "WAVESPEED_API_KEY": "{}" + SECRET,
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("sandbox")) as url:
        yield url


@pytest.fixture
def doctor(base, tmp_path, monkeypatch, capsys):
    """Run the command in this process and in an empty folder; its exit code, the lines of its output, its errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in environment(base).items():
        monkeypatch.setenv(name, value)

    def call(*arguments):
        try:
            code = app(("doctor", *arguments), result_action="return_value")
        except SystemExit as stopped:
            code = stopped.code
        out, err = capsys.readouterr()
        return code, out.splitlines(), err

    return call


def keys(monkeypatch, kind):
    """Give every gateway a key of that kind, or none."""
    for name, form in KEYS.items():
        monkeypatch.setenv(name, kind and form.format(kind))
    if not kind:
        monkeypatch.delenv("OPENAI_BASE_URL")  # a server of one's own may want no key


# --- without a terminal


def test_a_log_gets_one_line_for_each_check_and_the_sum(doctor):
    code, out, err = doctor("kie", "wavespeed", "--library", "library", "--model", "seedance-2")
    assert (code, err) == (0, "")
    assert out == [
        "ok      kie (default)  clock: right",
        "ok      kie (default)  upload: the key is accepted, and an upload succeeded",
        "ok      kie (default)  balance: $5000.00 left",
        "unsure  kie (default)  seedance-2: perhaps sold here: the provider does not say",
        "ok      wavespeed (default)  clock: right",
        "ok      wavespeed (default)  upload: the key is accepted, and an upload succeeded",
        "ok      wavespeed (default)  balance: $156.78 left",
        "ok      wavespeed (default)  seedance-2: sold here",
        "ok      library  library: can be written, and creates a file only once",
        "of 9 checks 1 is unsure",
    ]


def test_all_providers_at_once_come_in_the_order_of_the_command_and_each_once(doctor):
    code, out, _ = doctor("wavespeed", "fal", "toapis", "kie", "fal", "--library", "library")
    subjects = [line.split("  ")[0].strip() for line in (line[8:] for line in out[:-1])]
    assert list(dict.fromkeys(subjects)) == [
        "wavespeed (default)",
        "fal (default)",
        "toapis (default)",
        "kie (default)",
        "library",
    ]
    assert sum("fal (default)  clock" in line for line in out) == 1
    unsure = sum(line.startswith("unsure") for line in out)
    assert unsure > 1
    assert (code, out[-1]) == (0, f"of {len(out) - 1} checks {unsure} are unsure")


def test_when_all_is_well_it_says_so(doctor):
    code, out, _ = doctor("wavespeed", "--model", "seedance-2", "--library", "library")
    assert (code, out[-1]) == (0, "all 5 checks passed")


def test_a_narrow_window_cuts_no_line_of_a_log(doctor, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    code, out, _ = doctor("kie", "--library", "ftp://127.0.0.1:9/x", "--model", "sora-2")
    assert code == 1
    assert len(out) == 6
    assert out[-2].endswith("use a local folder, s3://, gs:// or az://")
    assert not any("\x1b" in line or line != line.rstrip() for line in out)


# --- what is bad


@pytest.mark.parametrize("provider", GATEWAYS)
def test_a_wrong_key_is_an_exit_code_and_one_line(doctor, monkeypatch, provider):
    keys(monkeypatch, "bad")
    code, out, _ = doctor(provider, "--library", "library")
    assert code == 1
    assert [line.partition("  ")[2].partition(":")[0] for line in out if line.startswith("bad")] == [
        f"   {provider} (default)  key"
    ]
    assert out[-1] == "of 4 checks 1 failed and 1 is unsure"


def test_no_key_is_shown(doctor, monkeypatch):
    for kind in ("a", "bad", "empty"):
        keys(monkeypatch, kind)
        code, out, err = doctor(*GATEWAYS, "--library", "library")
        assert code == (kind != "a")
        assert SECRET not in "".join(out) + err


MISSING = {
    "fal": "FAL_KEY is not set; export FAL_KEY=<id>:<secret>, or name a saved block such as fal-credentials/production",
    "kie": "KIE_API_KEY is not set; export KIE_API_KEY=<key>, or name a saved block such as kie-credentials/production",
    "toapis": "TOAPIS_API_KEY is not set; export TOAPIS_API_KEY=sk-<key>, or name a saved block such as "
    "toapis-credentials/production",
    "wavespeed": "WAVESPEED_API_KEY is not set; export WAVESPEED_API_KEY=<key>, or name a saved block such as "
    "wavespeed-credentials/production",
}


@pytest.mark.parametrize(("provider", "says"), MISSING.items())
def test_a_missing_key_says_what_to_export_and_hides_nothing_else(doctor, monkeypatch, provider, says):
    name = {"fal": "FAL_KEY"}.get(provider, f"{provider.upper()}_API_KEY")
    monkeypatch.setenv(name, "")
    others = [each for each in GATEWAYS if each != provider]
    code, out, err = doctor(provider, *others, "--library", "library")
    assert (code, err) == (1, "")
    assert out[0] == f"bad     {provider}  key: {says}"
    assert [line for line in out if line.startswith("bad")] == out[:1]
    for other in others:
        assert any(line.startswith(f"ok      {other} (default)  upload") for line in out)


def test_a_provider_that_is_not_known_hides_nothing_else(doctor):
    code, out, err = doctor("sora", "kie", "--library", "library")
    assert (code, err) == (1, "")
    assert out[0].startswith("bad     sora  account: provider 'sora' is not known; write ")
    assert "ok      kie (default)  upload: the key is accepted, and an upload succeeded" in out


def test_a_library_in_whose_way_a_file_is_is_bad(doctor, tmp_path):
    (tmp_path / "library").write_text("a file")
    code, out, _ = doctor("kie", "--library", "library")
    assert code == 1
    assert [line for line in out if line.startswith("bad")] == [out[-2]]
    assert out[-2].startswith("bad     library  library: ")


def test_a_model_that_a_provider_does_not_have_is_bad(doctor):
    code, out, _ = doctor("kie", "--library", "library", "--model", "seedance-2", "--model", "vidu-q3")
    assert code == 1
    assert "bad     kie (default)  vidu-q3: vidu-q3 is not a known model of kie; " in out[-3]


def test_an_unreachable_host_is_bad(doctor, monkeypatch):
    monkeypatch.setenv("KIE_API_URL", "http://127.0.0.1:9")
    code, out, _ = doctor("kie", "--library", "library")
    assert code == 1
    assert out[0].startswith("bad     kie (default)  network: http://127.0.0.1:9 could not be reached (ConnectError)")


# --- what is checked where nothing is named


def test_without_names_the_accounts_are_checked_whose_keys_are_there(doctor, monkeypatch):
    keys(monkeypatch, "")
    monkeypatch.setenv("KIE_API_KEY", "sandbox")
    monkeypatch.setenv("FAL_KEY", "sandbox:sandbox")
    code, out, _ = doctor()
    assert code == 0
    assert {line[8:].split(" ")[0] for line in out[:-1]} == {"fal", "kie", "~/storyboard-library"}


def test_without_a_key_the_library_is_checked_and_the_command_fails(doctor, monkeypatch, tmp_path):
    keys(monkeypatch, "")
    named = "FAL_KEY, KIE_API_KEY, OPENAI_BASE_URL, TOAPIS_API_KEY, WAVESPEED_API_KEY"
    assert doctor() == (
        1,
        [
            "ok      ~/storyboard-library  library: can be written, and creates a file only once",
            "the check passed",
        ],
        f"error: no account was checked; export one of {named}, or name a saved block\n",
    )
    assert (tmp_path / "storyboard-library" / "ledger" / "library.json").is_file()


@pytest.mark.engine
@pytest.mark.filterwarnings(PREFECTS_OWN_LEAK)
def test_saved_blocks_are_checked_and_one_that_is_missing_hides_nothing_else(engine, doctor, base):
    hosts = {"api_url": f"{base}/kie/api", "upload_url": f"{base}/kie/upload"}
    with temporary_settings({PREFECT_API_URL: engine}):
        KieCredentials(api_key=SecretStr("sandbox"), account="agency", **hosts).save("agency", overwrite=True)
        names = ("kie-credentials/agency", "fal-credentials/nobody")
        code, out, err = doctor(*names, "--library", "storyboard-library/nobody", "--model", "seedance-2")
    assert (code, err) == (1, "")
    assert out[0] == "ok      kie (agency)  clock: right"
    assert out[4].startswith("bad     fal-credentials/nobody  account: there is no saved block fal-credentials/nobody")
    assert out[5].startswith("bad     storyboard-library/nobody  library: there is no saved block")


def test_help_says_what_may_be_named(capsys):
    app(("doctor", "--help"), result_action="return_value")
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for word in (*GATEWAYS, "fal-credentials/production", "~/storyboard-library", "Exits with 1", "Buys nothing"):
        assert word in said


# --- on a terminal

LONG = "x" * 150
FINDINGS = [
    Finding(subject="fal (default)", check="clock", state="ok", text="right"),
    Finding(subject="fal (default)", check="balance", state="bad", text="no credit; top up the account " * 4),
    Finding(subject="[red]kie (a[/b])", check="sora-2-pro-storyboard", state="unsure", text="身份验证失败" * 12),
    Finding(subject="s3://films/house", check="library", state="ok", text=LONG),
]


def screen(width, findings=FINDINGS):
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=True, color_system=None, highlight=False, markup=False, soft_wrap=True
    )
    show(findings, console)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_screen_of_100_columns_holds_every_word():
    shown = screen(100)
    assert max(map(cell_len, shown)) <= 100
    words = "".join("".join(shown).split())
    for finding in FINDINGS:
        assert "".join(finding.text.split()) in words


@pytest.mark.parametrize("width", [60, 80, 100])
def test_an_account_is_a_heading_with_its_checks_under_it(width):
    shown = screen(width)
    headings = [line for line in shown if line and not line.startswith(" ")]
    assert headings == ["fal (default)", "[red]kie (a[/b])", "s3://films/house", "of 4 checks 1 failed and 1 is unsure"]
    assert shown[1] == "  clock                  ok      right"
    assert shown[2].startswith("  balance                bad     no credit; top up")
    folded = shown[3 : shown.index("[red]kie (a[/b])")]
    assert folded
    assert all(line.startswith(" " * 33) for line in folded), "what does not fit stands under its own text"


def test_colours_say_what_is_bad():
    file = io.StringIO()
    show(FINDINGS, Console(file=file, width=100, force_terminal=True, color_system="standard", markup=False))
    drawn = file.getvalue()
    assert "\x1b[1;31mbad" in drawn
    assert "\x1b[33munsure" in drawn
    assert "\x1b[32mok" in drawn
