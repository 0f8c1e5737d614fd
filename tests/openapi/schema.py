"""Checking values against the part of JSON Schema that docs/openapi.yaml uses. Any other keyword is an error, so that
nothing in the description goes unchecked."""
import re

NOTES = {"description", "default", "deprecated"}
KINDS = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "null": lambda value: value is None,
}
FORMATS = {"date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")}


class Mismatch(AssertionError):
    pass


def resolve(document, reference):
    """What "#/a/b" points to."""
    assert reference.startswith("#/"), "a reference to elsewhere: " + reference
    found = document
    for name in reference[2:].split("/"):
        assert name in found, "nothing is there: " + reference
        found = found[name]
    return found


class Checker:
    def __init__(self, document):
        self.document = document
        self.seen = set()  # (schema, property): what was really there

    def check(self, value, schema, where="", name=""):
        """`name`: of the schema, where it has one."""
        if "$ref" in schema:
            assert set(schema) == {"$ref"}, "%s: a reference with more beside it" % where
            reference = schema["$ref"]
            return self.check(value, resolve(self.document, reference), where, reference.split("/")[-1])
        for keyword, wanted in schema.items():
            if keyword in NOTES or keyword == "additionalProperties":
                continue
            getattr(self, "check_" + keyword)(value, wanted, where, name)
        if "additionalProperties" in schema and isinstance(value, dict):
            self.check_others(value, schema, where)
        return None

    def refuse(self, where, what):
        raise Mismatch("%s: %s" % (where or "the value", what))

    def check_type(self, value, wanted, where, name):
        if not KINDS[wanted](value):
            self.refuse(where, "%r is no %s" % (value, wanted))

    def check_enum(self, value, wanted, where, name):
        if value not in wanted:
            self.refuse(where, "%r is none of %s" % (value, wanted))

    def check_const(self, value, wanted, where, name):
        if value != wanted:
            self.refuse(where, "%r is not %r" % (value, wanted))

    def check_format(self, value, wanted, where, name):
        if not FORMATS[wanted].fullmatch(value):
            self.refuse(where, "%r is no %s" % (value, wanted))

    def check_pattern(self, value, wanted, where, name):
        if not re.search(wanted, value):
            self.refuse(where, "%r does not match %s" % (value, wanted))

    def check_minLength(self, value, wanted, where, name):
        if len(value) < wanted:
            self.refuse(where, "%r is too short" % value)

    def check_minimum(self, value, wanted, where, name):
        if value < wanted:
            self.refuse(where, "%r is below %r" % (value, wanted))

    def check_minItems(self, value, wanted, where, name):
        if len(value) < wanted:
            self.refuse(where, "has fewer than %d items" % wanted)

    def check_maxItems(self, value, wanted, where, name):
        if len(value) > wanted:
            self.refuse(where, "has more than %d items" % wanted)

    def check_items(self, value, wanted, where, name):
        for number, item in enumerate(value):
            self.check(item, wanted, "%s[%d]" % (where, number))

    def check_required(self, value, wanted, where, name):
        for member in wanted:
            if member not in value:
                self.refuse(where, "lacks %s" % member)

    def check_properties(self, value, wanted, where, name):
        for member, schema in wanted.items():
            if member in value:
                self.check(value[member], schema, "%s.%s" % (where, member))
                self.seen.add((name, member))

    def check_others(self, value, schema, where):
        for member in value.keys() - schema.get("properties", {}).keys():
            if schema["additionalProperties"] is False:
                self.refuse(where, "has a member that is not described: %s" % member)
            self.check(value[member], schema["additionalProperties"], "%s.%s" % (where, member))

    def check_oneOf(self, value, wanted, where, name):
        matching, reasons = 0, []
        for schema in wanted:
            try:
                self.check(value, schema, where)
                matching += 1
            except Mismatch as mismatch:
                reasons.append(str(mismatch))
        if matching != 1:
            self.refuse(where, "%d of %d alternatives match %s" % (matching, len(wanted), reasons))
