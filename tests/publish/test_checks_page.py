"""The page of checks is written from the registry: each check once, with its thresholds, and nothing left to write."""

import re

from netlens.audit.checks import CHECKS
from netlens.publish.checks_page import checks_page


def test_every_check_has_a_section_that_says_what_to_do_and_what_not_to_conclude():
    text = checks_page()
    sections = re.split(r"^\(nl\d{3}\)=$", text, flags=re.MULTILINE)[1:]
    assert sorted(re.findall(r"^### (NL\d{3}): ", text, flags=re.MULTILINE)) == sorted(CHECKS)
    assert len(sections) == len(CHECKS)
    assert all("**What to do.** " in section and "**What not to conclude.** " in section for section in sections)
    assert all(f"[{code}](#{code.lower()})" in text for code in CHECKS)


def test_every_threshold_stands_there_with_its_reason():
    text = checks_page()
    for check in CHECKS.values():
        for name, limit in check.limits.items():
            assert f"| `{name}` | {limit.value:g} | {limit.reason} |" in text


def test_what_a_check_says_of_itself_is_whole():
    for check in CHECKS.values():
        assert check.what.endswith((".", "?")), check.code
        for text in (check.why, check.act, check.beware):
            assert text.endswith("."), check.code
        assert not check.title.endswith("."), check.code
