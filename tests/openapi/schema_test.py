#!/usr/bin/env python3
"""Shows that the checks of schema.py can fail: each value is wrong in one way."""
import schema

DOCUMENT = {"named": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 1}},
                      "additionalProperties": False}}
NAMED = {"$ref": "#/named"}

SOUND = [
    ({"a": 1}, NAMED),
    ("2024-01-31T08:00:00.123+08:00", {"type": "string", "format": "date-time"}),
    ([1, "x"], {"type": "array", "items": {"oneOf": [{"type": "integer"}, {"type": "string"}]}}),
    ({"any": "x"}, {"type": "object", "additionalProperties": {"type": "string"}}),
    (None, {"type": "null"}),
]
WRONG = [
    ({}, NAMED, "lacks a"),
    ({"a": 0}, NAMED, ".a: 0 is below 1"),
    ({"a": True}, NAMED, ".a: True is no integer"),
    ({"a": 1, "b": 2}, NAMED, "not described: b"),
    ([], NAMED, "is no object"),
    ("2024-01-31", {"format": "date-time"}, "is no date-time"),
    ("x", {"enum": ["y"]}, "is none of"),
    ("x", {"const": "y"}, "is not"),
    ("x", {"pattern": "^y"}, "does not match"),
    ("", {"minLength": 1}, "is too short"),
    ([], {"minItems": 1}, "fewer"),
    ([1, 2], {"maxItems": 1}, "more"),
    ([1, "x"], {"items": {"type": "integer"}}, "[1]: 'x' is no integer"),
    ({"any": 1}, {"additionalProperties": {"type": "string"}}, ".any: 1 is no string"),
    ("x", {"oneOf": [{"type": "integer"}, {"type": "null"}]}, "0 of 2"),
    (1, {"oneOf": [{"type": "integer"}, {"minimum": 0}]}, "2 of 2"),
]


def main():
    for value, wanted in SOUND:
        schema.Checker(DOCUMENT).check(value, wanted)
    for value, wanted, reason in WRONG:
        try:
            schema.Checker(DOCUMENT).check(value, wanted)
        except schema.Mismatch as mismatch:
            assert reason in str(mismatch), "%r: %s" % (value, mismatch)
        else:
            raise AssertionError("accepted: %r" % (value,))
    try:
        schema.Checker(DOCUMENT).check(1, {"exclusiveMaximum": 1})
    except AttributeError:
        pass
    else:
        raise AssertionError("a keyword that is not known was passed over")
    checker = schema.Checker(DOCUMENT)
    checker.check({"a": 1}, NAMED)
    assert checker.seen == {("named", "a")}, checker.seen
    print("%d sound, %d wrong" % (len(SOUND), len(WRONG)))


if __name__ == "__main__":
    main()
