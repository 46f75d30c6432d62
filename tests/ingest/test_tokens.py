import json
from pathlib import Path

import pytest

from ingest.doors.tokens import Tokens
from ingest.errors import ConfigurationError, UserError


def test_a_token_opens_its_site_until_it_is_revoked(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    serving, command = Tokens(path), Tokens(path)  # two processes, as it were
    assert serving.site_of("anything") is None
    kept, secret = command.add("A", "PACS")
    _, other = command.add("B")
    assert (serving.site_of(secret), serving.site_of(other)) == ("A", "B")
    assert serving.site_of(secret + "x") is None
    assert serving.site_of("") is None
    assert command.revoke(kept.id).revoked_at
    assert (serving.site_of(secret), serving.site_of(other)) == (None, "B")
    assert next(one.id for one in serving.all()) == kept.id  # it stays on record


def test_the_file_holds_no_secret_and_is_its_owners_alone(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    _, secret = tokens.add("A")
    assert secret not in tokens.path.read_text()
    assert tokens.path.stat().st_mode & 0o777 == 0o600
    assert len(json.loads(tokens.path.read_text())["tokens"][0]["sha256"]) == 64
    tokens.path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        tokens.site_of(secret)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tokens": [{"id": "x"}]}', '{"tokens": [3]}'])
def test_a_file_that_is_damaged_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="does not hold tokens"):
        Tokens(path).site_of("x")


def test_mistakes_are_named(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    with pytest.raises(UserError, match="no token 'none'"):
        tokens.revoke("none")
    with pytest.raises(UserError, match="printable"):
        tokens.add("A", "two\nlines")
