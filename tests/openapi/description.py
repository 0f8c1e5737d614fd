"""docs/openapi.yaml, and exchanges with a server held against it."""
import json
import os
import re

import schema

try:
    import yaml
except ImportError as error:
    raise SystemExit("the Python module yaml is needed: scripts/setup.sh puts it into build/interop/python") from error

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATH = os.path.join(ROOT, "docs", "openapi.yaml")
METHODS = ("get", "post", "put", "delete")


class Description:
    def __init__(self):
        with open(PATH, encoding="utf-8") as text:
            self.document = yaml.safe_load(text)
        self.operations = {(method.upper(), path): operation for path, item in self.document["paths"].items()
                           for method, operation in item.items()}
        self.answers = schema.Checker(self.document)
        self.requests = schema.Checker(self.document)
        self.exchanged = set()  # (method, path, status)

    def deref(self, value):
        return schema.resolve(self.document, value["$ref"]) if "$ref" in value else value

    def check_itself(self):
        """Everything is referred to, names are unique, examples match."""
        def references(value):
            if isinstance(value, dict):
                if "$ref" in value:
                    schema.resolve(self.document, value["$ref"])
                    yield value["$ref"]
                for inner in value.values():
                    yield from references(inner)
            elif isinstance(value, list):
                for inner in value:
                    yield from references(inner)

        used = set(references(self.document))
        for kind, components in self.document["components"].items():
            for name in components:
                assert "#/components/%s/%s" % (kind, name) in used, "%s: %s is not used" % (kind, name)
        names = [operation["operationId"] for operation in self.operations.values()]
        assert len(set(names)) == len(names), "an operationId is there twice: %s" % names
        known_tags = {tag["name"] for tag in self.document["tags"]}
        for (method, path), operation in self.operations.items():
            assert method.lower() in METHODS, method
            assert set(operation["tags"]) <= known_tags and operation["summary"], path
            assert re.findall(r"{(\w+)}", path) == [parameter["name"] for parameter in self.parameters(operation)
                                                    if parameter["in"] == "path"], path
            if "requestBody" not in operation:
                continue
            media = self.deref(operation["requestBody"])["content"]["application/json"]
            for name, example in media["examples"].items():
                self.requests.check(example["value"], media["schema"], "%s, example %s" % (path, name))

    def parameters(self, operation):
        return [self.deref(parameter) for parameter in operation.get("parameters", [])]

    def path_of(self, target):
        """The described path that a target matches."""
        for path in self.document["paths"]:
            if re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), target):
                return path
        raise AssertionError("not described: " + target)

    def check_request(self, method, target, query, body):
        """That a request which is meant to be sound is one by the description."""
        operation = self.operations[method, self.path_of(target)]
        parameters = {parameter["name"]: parameter for parameter in self.parameters(operation)
                      if parameter["in"] == "query"}
        assert set(query) <= set(parameters), "%s: not described: %s" % (target, set(query) - set(parameters))
        for name, parameter in parameters.items():
            assert name in query or not parameter.get("required"), "%s: %s is missing" % (target, name)
            if name in query:
                self.requests.check(query[name], parameter["schema"], "%s?%s" % (target, name))
        assert (body is not None) == ("requestBody" in operation), target
        if body is not None:
            media = self.deref(operation["requestBody"])["content"]["application/json"]
            self.requests.check(body, media["schema"], target)

    def check_answer(self, method, target, status, content_type, data):
        """That an answer is one by the description; its body, read as it says."""
        path = self.path_of(target)
        where = "%s %s, %d" % (method, target, status)
        answer = self.operations[method, path]["responses"].get(str(status))
        assert answer is not None, "%s: this status is not described: %s" % (where, data)
        (described_type, media), = self.deref(answer)["content"].items()
        assert content_type == described_type + "; charset=utf-8", "%s: %s" % (where, content_type)
        body = json.loads(data) if described_type == "application/json" else data.decode()
        self.answers.check(body, media["schema"], where)
        self.exchanged.add((method, path, status))
        return body

    def check_all_was_seen(self):
        """That nothing is described which no exchange has shown."""
        for (method, path), operation in self.operations.items():
            for status in operation["responses"]:
                assert status == "default" or (method, path, int(status)) in self.exchanged, \
                    "never answered: %s %s %s" % (method, path, status)
        described, unseen = self.document["components"]["schemas"], []
        used = {name for name, _ in self.answers.seen}
        for name in used:
            unseen += ["%s.%s" % (name, member) for member in described.get(name, {}).get("properties", {})
                       if (name, member) not in self.answers.seen]
        assert not unseen, "described, but never there: %s" % sorted(unseen)
