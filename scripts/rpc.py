#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Talks JSON-RPC to a running qfc_tgt.

It knows no method itself: it asks the target for the schema of its methods (rpc.schema) and makes a sub-command of
each, so it needs no change when a method is added. Needs nothing but Python 3. SPDK's own rpc.py works as well.

  rpc.py rpc_get_methods
  rpc.py bdev_malloc_create --name Malloc0 --num-blocks 131072 --block-size 512
  rpc.py bdev_malloc_create --json '{"name": "Malloc0", "num_blocks": 131072, "block_size": 512}'
  rpc.py nvmf_subsystem_add_listener --nqn NQN --listen-address '{"trtype": "TCP", "traddr": "127.0.0.1", "trsvcid": "4420"}'
  rpc.py --list [WORD]              names and summaries of the methods
  rpc.py save_config > x.json       all calls that rebuild the present state
  rpc.py load_config x.json         makes them (of a file, or of standard input)
"""

import argparse
import json
import os
import socket
import sys

SOCKET = os.environ.get("QFC_RPC_SOCKET", "/var/tmp/qfc.sock")


class RpcError(Exception):
    """What the target answered instead of a result."""

    def __init__(self, request, error):
        super().__init__(error.get("message", "unknown error"))
        self.request, self.error = request, error

    def text(self):
        return "request:\n%s\nGot JSON-RPC error response\nresponse:\n%s" % (
            json.dumps(self.request, indent=2), json.dumps(self.error, indent=2))


class Unreachable(Exception):
    """There is no target to talk to."""


class Client:
    """One connection to the target."""

    def __init__(self, path, timeout):
        self.number, self.pending, self.path = 0, "", path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(path)
        except OSError as error:
            raise Unreachable("%s: %s. Is qfc_tgt running, and is its RPC socket there (-s PATH)?" % (path, error.strerror or error))

    def call(self, method, params=None):
        self.number += 1
        request = {"jsonrpc": "2.0", "method": method, "id": self.number}
        if params:
            request["params"] = params
        try:
            self.socket.sendall(json.dumps(request).encode())
            reply = self.receive()
        except OSError as error:
            raise Unreachable("%s: %s while waiting for %s" % (self.path, error.strerror or error, method))
        if "error" in reply:
            raise RpcError(request, reply["error"])
        return reply.get("result")

    def receive(self):
        decoder = json.JSONDecoder()
        while True:
            text = self.pending.lstrip()
            # A reply ends with a newline, and nothing else in it is one.
            if "\n" in text:
                reply, end = decoder.raw_decode(text)
                self.pending = text[end:]
                return reply
            piece = self.socket.recv(65536)
            if not piece:
                raise Unreachable("%s: the target closed the connection" % self.path)
            self.pending += piece.decode()


def resolve(schema, root):
    """The schema itself, for one that only refers to it or allows null besides."""
    while True:
        if "$ref" in schema:
            found = root
            for part in schema["$ref"].lstrip("#/").split("/"):
                found = found[part]
            schema = {**found, **{k: v for k, v in schema.items() if k != "$ref"}}
        elif "anyOf" in schema and len([s for s in schema["anyOf"] if s.get("type") != "null"]) == 1:
            inner = next(s for s in schema["anyOf"] if s.get("type") != "null")
            schema = {**inner, **{k: v for k, v in schema.items() if k != "anyOf"}}
        else:
            return schema


def types(schema):
    kind = schema.get("type", [])
    return [k for k in ([kind] if isinstance(kind, str) else kind) if k != "null"]


def choices(schema):
    """The words that an enum allows, plain or each with a description; None when it is no enum."""
    words = [w for w in schema.get("enum", []) if w is not None]
    for part in schema.get("oneOf", []):
        words += [part["const"]] if "const" in part else part.get("enum", [])
    return words if words and all(isinstance(w, str) for w in words) else None


def boolean(text):
    if text.lower() in ("true", "yes", "1", "on"):
        return True
    if text.lower() in ("false", "no", "0", "off"):
        return False
    raise argparse.ArgumentTypeError("true or false, not %r" % text)


def as_json(text):
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("not JSON: %s" % error)


def text_or_json(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def strings(text):
    """A list: JSON, or words between commas."""
    return as_json(text) if text.lstrip().startswith("[") else text.split(",")


def converter(schema):
    """How the text of an option becomes a value, and what to call it in the help."""
    kinds = types(schema)
    if kinds == ["boolean"]:
        return boolean, "true|false"
    if kinds == ["integer"]:
        return lambda text: int(text, 0), "N"
    if kinds == ["number"]:
        return float, "X"
    if kinds == ["string"] or choices(schema):
        return str, "TEXT"
    if kinds == ["array"]:
        return strings, "A,B|JSON"
    if kinds == ["object"]:
        return as_json, "JSON"
    return text_or_json, "VALUE"


def add_options(parser, schema):
    """An option for each parameter; required ones may also be given in order, without their names."""
    required = schema.get("required", [])
    for name, raw in schema.get("properties", {}).items():
        parameter = resolve(raw, schema)
        convert, metavar = converter(parameter)
        words = choices(parameter)
        notes = [parameter.get("description", "")]
        notes += ["(required)"] if name in required else []
        notes += ["(default: %s)" % json.dumps(parameter["default"])] if parameter.get("default") is not None else []
        extra = {"nargs": "?", "const": True} if convert is boolean else {}
        flags = ["--" + name.replace("_", "-")] + (["--" + name] if "_" in name else [])
        parser.add_argument(*flags, dest="param_" + name, type=convert, choices=words, help=" ".join(filter(None, notes)).replace("%", "%%"),
                            metavar=None if words else metavar, default=None, **extra)
    parser.add_argument("in_order", nargs="*", metavar="VALUE", help="required parameters in this order: %s" % (", ".join(required) or "none"))
    parser.add_argument("--json", type=as_json, metavar="OBJECT", help="all parameters as one JSON object; options given besides win")


def parser_for(method):
    aliases = ", old name: " + ", ".join(method["aliases"]) if method["aliases"] else ""
    about = "%s (%s%s)" % (method["summary"], {"both": "any time", "startup": "before framework_start_init"}.get(method["when"], "when running"), aliases)
    parser = argparse.ArgumentParser(prog="rpc.py " + method["name"], description=about)
    add_options(parser, method["params"])
    return parser


def parameters(method, arguments):
    parser = parser_for(method)
    given = parser.parse_args(arguments)
    params = dict(given.json or {}) if isinstance(given.json or {}, dict) else parser.error("--json takes an object")
    named = {key[6:]: value for key, value in vars(given).items() if key.startswith("param_") and value is not None}
    params.update(named)
    missing = [name for name in method["params"].get("required", []) if name not in params]
    if len(given.in_order) > len(missing):
        parser.error("more values than required parameters: %s" % " ".join(given.in_order[len(missing):]))
    for name, text in zip(missing, given.in_order):
        schema = resolve(method["params"]["properties"][name], method["params"])
        words = choices(schema)
        if words and text not in words:
            parser.error("%s: one of %s" % (name, ", ".join(words)))
        try:
            params[name] = converter(schema)[0](text)
        except (ValueError, argparse.ArgumentTypeError) as error:
            parser.error("%s: %s" % (name, error))
    left = missing[len(given.in_order):]
    if left:
        parser.error("missing: %s" % ", ".join(left))
    return params


def save_config(client, _arguments):
    sections = [s["subsystem"] for s in client.call("framework_get_subsystems")]
    return {"subsystems": [{"subsystem": name, "config": client.call("framework_get_config", {"name": name})} for name in sections]}


def load_config(client, arguments):
    text = open(arguments[0], encoding="utf-8").read() if arguments else sys.stdin.read()
    calls = [call for section in json.loads(text)["subsystems"] for call in section.get("config") or []]
    calls = [one for call in calls for one in (call if isinstance(call, list) else [call])]
    every = set(client.call("rpc_get_methods", {"include_aliases": True}))
    unknown = sorted({call["method"] for call in calls} - every)
    if unknown:
        raise SystemExit("load_config: the target has no %s" % ", ".join(unknown))
    while calls:
        allowed = set(client.call("rpc_get_methods", {"current": True, "include_aliases": True}))
        later = []
        for call in calls:
            if call["method"] in allowed:
                client.call(call["method"], call.get("params"))
            else:
                later.append(call)
        if "framework_start_init" not in allowed:
            # Calls for before the start cannot be made any more.
            for call in later:
                print("load_config: %s may only be called before framework_start_init: left out" % call["method"], file=sys.stderr)
            break
        client.call("framework_start_init")
        calls = later
    return None


OWN = {"save_config": save_config, "load_config": load_config}


def run(options, arguments):
    client = Client(options.socket, options.timeout)
    if options.list:
        word = arguments[0] if arguments else ""
        for method in sorted(client.call("rpc.schema"), key=lambda m: m["name"]):
            if word in method["name"]:
                print("%-40s %s" % (method["name"], method["summary"]))
        return
    if not arguments:
        raise SystemExit("rpc.py: name a method (--list shows them, --help explains)")
    name, rest = arguments[0], arguments[1:]
    if name in OWN:
        result = OWN[name](client, rest)
    else:
        try:
            method = client.call("rpc.schema", {"method": name})[0]
        except RpcError as error:
            if error.error.get("code") == -32601:
                raise RpcError({"method": name}, error.error) from None
            raise
        result = client.call(name, parameters(method, rest))
    if isinstance(result, str):
        print(result)
    elif result is not None:
        print(json.dumps(result, indent=2))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage="rpc.py [-s SOCKET] [-t SECONDS] METHOD [OPTIONS]   (rpc.py METHOD --help explains it)")
    parser.add_argument("-s", "--socket", default=SOCKET, help="RPC socket (default: $QFC_RPC_SOCKET or /var/tmp/qfc.sock)")
    parser.add_argument("-t", "--timeout", type=float, default=60.0, help="seconds to wait for a reply (default: 60)")
    parser.add_argument("--list", action="store_true", help="list the methods, those with WORD in their name")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        run(options, options.arguments)
    except RpcError as error:
        print(error.text(), file=sys.stderr)
        return 1
    except (Unreachable, OSError, ValueError) as error:
        print("rpc.py: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(1)
