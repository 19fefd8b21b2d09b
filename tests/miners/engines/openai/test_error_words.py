import json

import pytest

from miners.engines.openai.error_words import words_of


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "no such engine", "code": 404}}, "no such engine"),
        ({"error": "no such engine"}, "no such engine"),
        ({"error": ["quota", "billing"]}, "quota; billing"),
        ({"detail": "no such engine"}, "no such engine"),
        ({"detail": [{"loc": ["body", "seed"], "msg": "too large", "type": "x"}]}, "body.seed: too large"),
        ({"message": "no such engine", "object": "error", "code": 400}, "no such engine"),
        ([{"error": {"code": 400, "message": "no such engine"}}], "no such engine"),
        ({"errors": [{"message": "first"}, {"message": "second"}]}, "first; second"),
        ({"error": {"message": '{"error": {"message": "inner words"}}'}}, "inner words"),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": '{"error": "upstream is full"}'}}},
            "Provider returned error; upstream is full",
        ),
        ("just a string", "just a string"),
        ({"fault": {"faultstring": "odd"}}, '{"fault": {"faultstring": "odd"}}'),
        ({}, ""),
    ],
)
def test_the_words_of_a_json_body_are_found_whatever_its_shape(body: object, words: str) -> None:
    assert words_of(json.dumps(body)) == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("upstream connect error\r\n  reset", "upstream connect error reset"),
        (
            "<html><head><title>502</title><style>p{}</style></head><body><h1>Bad &amp; gone</h1></body></html>",
            "Bad & gone",
        ),
        ("<!DOCTYPE html><title>Sign in</title>", "Sign in"),
        ("\x1b[31mred\x1b[0m and \x07bell", "red and ?bell"),
        ('\ufeff{"error": "after a mark"}', "after a mark"),
        ("[" * 5000, "[" * 5000),
        ("", ""),
    ],
)
def test_the_words_of_other_bodies_are_one_plain_line(body: str, words: str) -> None:
    assert words_of(body) == words
