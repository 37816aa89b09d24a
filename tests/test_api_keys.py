"""API keys: who may call what, and what is told of a wrong setting."""

from pathlib import Path

import pytest
from bentoml.exceptions import InvalidArgument

from bentos.api_keys import ApiKeys
from bentos.incoming import RequestError

ONE, TWO, METRICS, FEEDBACK = (
    "one-key-of-sixteen",
    "two-key-of-sixteen",
    "metrics-key-sixteen",
    "feedback-sixteen",
)
NO_VARIABLES = [
    f"TOUCHSTONE_{name}_KEYS{form}" for name in ("API", "METRICS", "FEEDBACK") for form in ("", "_FILE")
]


def keys(monkeypatch: pytest.MonkeyPatch, **variables: str) -> ApiKeys:
    """The keys of these variables alone: API_KEYS is TOUCHSTONE_API_KEYS."""
    for name in NO_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(f"TOUCHSTONE_{name}", value)
    return ApiKeys.from_environment()


def opens(known: ApiKeys, path: str, **headers: str) -> bool:
    """Whether a request with these headers may go on."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    try:
        known.check(path, raw)
    except RequestError:
        return False
    return True


@pytest.mark.parametrize("path", ["/predict", "/feedback", "/metrics", "/docs.json", "/"])
def test_without_keys_everything_is_open(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    assert opens(keys(monkeypatch), path)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {ONE}"},
        {"authorization": f"bearer  {TWO} "},
        {"x_api_key": TWO},
        {"authorization": "Basic dXNlcjpwYXNz", "x_api_key": ONE},  # a proxy's own
    ],
)
def test_each_key_opens_in_either_header(monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]) -> None:
    assert opens(keys(monkeypatch, API_KEYS=f"{ONE}, {TWO}"), "/predict", **headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": ONE},
        {"x_api_key": ONE[:-1]},
        {"x_api_key": f"{ONE},{TWO}"},
    ],
)
def test_anything_else_does_not(monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]) -> None:
    assert not opens(keys(monkeypatch, API_KEYS=f"{ONE},{TWO}"), "/predict", **headers)


@pytest.mark.parametrize(
    "path", ["/", "/docs.json", "/schema.json", "/feedback", "/predict/", "/none", "/livez/x"]
)
def test_with_keys_every_other_path_is_closed(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    assert not opens(keys(monkeypatch, API_KEYS=ONE), path)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz", "/metrics"])
def test_an_orchestrator_and_prometheus_need_no_key(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    assert opens(keys(monkeypatch, API_KEYS=ONE), path)


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "//metrics", "/metrics/x"])
def test_metrics_can_be_closed_off_alone(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    known = keys(monkeypatch, METRICS_KEYS=METRICS)
    assert opens(known, "/predict")
    assert not opens(known, path)
    assert opens(known, path, x_api_key=METRICS)


def test_own_keys_replace_the_api_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    known = keys(monkeypatch, API_KEYS=ONE, FEEDBACK_KEYS=FEEDBACK)
    assert opens(known, "/feedback", x_api_key=FEEDBACK)
    assert not opens(known, "/feedback", x_api_key=ONE)
    assert not opens(known, "/predict", x_api_key=FEEDBACK)


def test_keys_come_from_a_file_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# the shop\r\n{ONE}\r\n\n  # the app\n{TWO}")
    known = keys(monkeypatch, API_KEYS_FILE=str(path), API_KEYS=METRICS)
    assert all(opens(known, "/predict", x_api_key=key) for key in (ONE, TWO, METRICS))
    assert not opens(known, "/predict", x_api_key="# the shop")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"API_KEYS": ""},
            "TOUCHSTONE_API_KEYS is set but brings no API key. Give at least one, or unset it",
        ),
        ({"METRICS_KEYS": " , "}, "TOUCHSTONE_METRICS_KEYS is set but brings no API key"),
        (
            {"API_KEYS": f"{ONE},short"},
            "Key 2 of TOUCHSTONE_API_KEYS is not a key; expected 16 to 256 printable",
        ),
        ({"FEEDBACK_KEYS": "a key with spaces in it"}, "Key 1 of TOUCHSTONE_FEEDBACK_KEYS is not a key"),
        (
            {"API_KEYS_FILE": "/none/such"},
            "No API keys from the file '/none/such': No such file or directory",
        ),
        ({"API_KEYS_FILE": ""}, "No API keys from the file ''"),
        ({"API_KEYS_FILE": __file__}, "Key 1 of TOUCHSTONE_API_KEYS_FILE is not a key"),
        ({"API_KEYS_FILE": "/dev/null"}, "TOUCHSTONE_API_KEYS_FILE is set but brings no API key"),
    ],
)
def test_a_wrong_setting_ends_the_start(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        keys(monkeypatch, **variables)
    assert message in str(caught.value)


def test_a_refusal_says_how_to_give_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        RequestError, match=r"No API key was given; expected .* Authorization: Bearer"
    ) as caught:
        keys(monkeypatch, API_KEYS=ONE).check("/predict", [])
    assert (caught.value.status, caught.value.headers) == (401, {"WWW-Authenticate": "Bearer"})


def test_no_key_is_ever_told(monkeypatch: pytest.MonkeyPatch) -> None:
    known = keys(monkeypatch, API_KEYS=ONE)
    with pytest.raises(RequestError) as refused:
        known.check("/predict", [(b"x-api-key", TWO.encode())])
    with pytest.raises(InvalidArgument) as wrong:
        keys(monkeypatch, API_KEYS="fifteen-letters")
    for text in (str(refused.value), str(wrong.value), str(vars(known))):
        assert not any(key in text for key in (ONE, TWO, "fifteen-letters"))
