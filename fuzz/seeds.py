#!/usr/bin/env python3
"""Writes the hand-made seeds into corpus/. The formats are those that the head of each src/<target>.rs describes."""
import pathlib, struct

HERE = pathlib.Path(__file__).parent


def put(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ("seed-" + name)).write_bytes(data)


# pdu: flags, seed of the pieces, stream
def pdu(kind, hlen, body=b"", data=b"", flags=0, pdo=0, extra=0):
    head = struct.pack("<BBBBI", kind, flags, hlen, pdo, hlen + extra + len(data))
    return (head + body).ljust(hlen, b"\0") + b"\0" * (extra) + data


icreq = pdu(0, 128)
capsule = pdu(4, 72, data=b"d" * 32, pdo=72)
h2c = pdu(6, 24, body=struct.pack("<HHII", 1, 0, 0, 64), data=b"x" * 64, pdo=24, flags=4)
term = pdu(2, 24, data=b"t" * 24)
put("pdu", "plain", bytes([0xd0, 3]) + icreq + capsule + pdu(4, 72) + h2c + term)
put("pdu", "past", bytes([0xd8, 9]) + h2c * 3)
put("pdu", "padded", bytes([0xd0, 5]) + pdu(4, 72, pdo=76, extra=4, data=b"abcd") + capsule)
put("pdu", "padding-only", bytes([0xd0, 5]) + pdu(4, 72, pdo=76, extra=4) + capsule)
for flags, bits in ((1, 1), (2, 2), (3, 3)):
    head = 4 if flags & 1 else 0
    tail = b"\0" * 4 if flags & 2 else b""
    one = pdu(6, 24, data=b"x" * 64 + tail, pdo=24 + head, extra=head, flags=bits | 4)
    two = pdu(4, 72, data=b"y" * 8 + tail, pdo=72 + head, extra=head, flags=bits)
    put("pdu", f"digest-{flags}", bytes([0xd4 | flags, 7]) + icreq + two + one)

# Commands, as src/host.rs reads them: kind, its choices, overrides.
connect_admin = bytes([0, 0, 14, 0])          # kind, how, entries, overrides
connect_io = bytes([1, 0, 14, 1, 0])          # kind, how, entries, controller, overrides
enable = bytes([2, 0])
csts = bytes([4, 0x1c, 0])
def admin(kind, nsid, low, high, dw11):
    return bytes([kind, nsid, low, high, dw11, 0])
identify = [admin(7, n, c, 0, 0) for n, c in ((0, 1), (1, 0), (0, 2), (1, 3))]
logs = [admin(8, 0, lid, 0x7f, 0) for lid in (1, 2, 3, 4, 5)]
features = [admin(9, 0, 7, 3, 3), admin(9, 0, 0x0b, 0, 1), admin(10, 0, 7, 0, 0), admin(9, 0, 0x0f, 0, 100)]
aer, abort, alive = admin(11, 0, 0, 0, 0), admin(12, 0, 1, 1, 0), admin(13, 0, 0, 0, 0)
def block(kind, volume, lba, blocks, inside=0):
    return struct.pack("<BBHBBBB", kind, volume, lba, blocks, 0, inside, 0)
read, write = block(15, 0, 8, 7), block(17, 0, 8, 7, 1)
slow_read, slow_write = block(15, 1, 8, 7), block(17, 1, 0, 31)
dsm = bytes([21, 1, 0, 4, 8, 0, 0, 8, 16, 0, 0])
compare, zeroes, flush = block(19, 0, 8, 7, 1), block(20, 0, 0, 3), block(22, 0, 0, 0)
io = [write, read, slow_write, slow_read, compare, zeroes, flush, dsm]

def script(steps, tail=b""):
    return b"".join(bytes(s) + c + tail for s, c in steps)

NONE = b""
start = [((0, 0), NONE), ((6, 0), connect_admin), ((6, 0), enable), ((6, 0), csts)]
queue = [((0, 0), NONE), ((6, 2), bytes([1, 0, 14, 2, 0]))]
put("capsule", "admin", script(start + [((6, 0), c) for c in identify + logs + features + [aer, abort, alive]]))
put("capsule", "io", script(start + queue + [((6, 2), c) for c in io] + [((4, 0), bytes([2]))]))
put("capsule", "other-home", script(start + [((0, 1), NONE), ((6, 1), bytes([1, 0, 14, 2, 0]))] + [((6, 1), c) for c in io]))
put("capsule", "hold", script(start + queue + [((2, 0), NONE), ((0x86, 2), slow_write), ((6, 2), slow_write), ((1, 2), NONE), ((3, 0), NONE)]))
put("capsule", "scarce", script(start + queue + [((2, 0), NONE)] + [((6, 2), block(17, 1, 0, 31))] * 6 + [((6, 0), bytes([12, 0, 20, 1, 0, 0])), ((3, 0), NONE), ((4, 0), bytes([2]))]))
put("capsule", "scarce-lost", script(start + queue + [((2, 0), NONE)] + [((6, 2), block(17, 1, 0, 31))] * 6 + [((1, 2), NONE)]))
put("capsule", "meddle", script(start + queue + [((0x86, 2), slow_read), ((5, 0), bytes([4 | 16])), ((6, 2), read), ((5, 0), bytes([4])), ((5, 0), bytes([0]))]))
discovery = [((6, 0), bytes([0, 2, 14, 0])), ((6, 0), enable), ((6, 0), admin(9, 0, 0x0b, 0, 0)), ((6, 0), aer)]
disclog = [((6, 0), admin(8, 0, 0x70, 0xff, 1)), ((6, 0), admin(8, 0, 0x70, 7, 0))]
put("capsule", "discovery", script([((0, 0), NONE)] + discovery + disclog + [((5, 0), bytes([3])), ((5, 0), bytes([4 | 8]))] + disclog))
put("capsule", "silence", script(start + queue + [((4, 0), bytes([6]))]))

def tcp(*commands):
    return [((9, 0), c + b"\0") for c in commands]
def tcp_at(place, *commands):
    return [((9, place), c + b"\0") for c in commands]
for digests in range(4):
    begin = [((0, 0), NONE), ((6, 0), bytes([16 | digests]))] + tcp(connect_admin, enable, csts)
    second = [((0, 1), NONE), ((6, 1), bytes([16 | digests]))] + tcp_at(1, bytes([1, 0, 14, 1, 0]))
    answer = [((7, 1), bytes([0, 0]))]
    put("port", f"admin-{digests}", script(begin + tcp(*identify, *logs, *features, aer, abort, alive)))
    put("port", f"io-{digests}", script(begin + second + tcp_at(1, write, read, slow_write) + answer
        + tcp_at(1, slow_read, compare, zeroes, flush, dsm) + [((3, 0), bytes([2]))] * 2))
put("port", "split", script([((0, 0), NONE), ((6, 0), bytes([16]))] + tcp(connect_admin, enable) + [((0, 1), NONE), ((6, 1), bytes([16]))]
    + tcp_at(1 | 40 << 2, bytes([1, 0, 14, 1, 0]), block(17, 1, 0, 31)) + [((7, 1 | 33 << 2), bytes([2, 0, 16, 0])), ((7, 1), bytes([0, 0])), ((3, 0), bytes([2])), ((3, 0), bytes([2]))]))
queues = [((0, 0), NONE), ((6, 0), bytes([16]))] + tcp(connect_admin, enable) + [((0, 1), NONE), ((6, 1), bytes([16]))] + tcp_at(1, bytes([1, 0, 14, 1, 0]))
big = block(17, 1, 0, 31)
whole = bytes([0, 0])
pause = [((3, 0), bytes([2]))] * 2
answer = [((7, 1), whole)] + pause
put("port", "scatter", script(queues + tcp_at(1, big) + [((7, 1 | 40 << 2), whole)] + pause + tcp_at(1, big) + [((0x47, 1 | 60 << 2), whole)] + pause))
put("port", "scarce", script(queues + tcp_at(1, *[big] * 6) + tcp_at(1, *[slow_write] * 4) + answer * 10))
put("port", "scarce-lost", script(queues + tcp_at(1, *[big] * 6) + [((7, 1), whole), ((0, 1), NONE)]))
put("port", "deaf", script(queues + [((1, 1), NONE)] + tcp_at(1, *[block(15, 0, 0, 39)] * 15) + [((1, 1), NONE)]))
put("port", "discovery", script([((0, 0), NONE), ((6, 0), bytes([16]))] + tcp(bytes([0, 2, 14, 0]), enable, admin(9, 0, 0x0b, 0, 0), aer,
    admin(8, 0, 0x70, 0xff, 1), admin(7, 0, 1, 0, 0)) + [((4, 0), bytes([3])), ((4, 0), bytes([4 | 8]))] + tcp(admin(8, 0, 0x70, 7, 0))))
put("port", "raw", script([((0, 0), NONE), ((5, 0), bytes([128]) + icreq), ((5, 0), bytes([104]) + capsule)]))

# conf: the examples; json_config: the same and a JSON file; jsonrpc: requests
for file in sorted((HERE / "../crates/conf/tests/examples").glob("*.conf")):
    put("conf", file.stem, file.read_bytes())
put("conf", "odd", b"[Global]\n ReactorMask 0x3\n Idle spin\n\n[Malloc]\r\n NumberOfLuns 2\\\n\n LunSizeInMB 32\n# c\n[SubSystem1]\nNQN \"a b\"")
put("json_config", "ini", b"[Malloc]\n NumberOfLuns 1\n LunSizeInMB 8\n")
put("json_config", "json", b"""// c
{"subsystems":[{"subsystem":"bdev","config":[{"method":"bdev_malloc_create","params":{"name":"M0","num_blocks":8192,"block_size":512}},
 {"method":"bdev_null_create","params":{"name":"N0","num_blocks":8,"block_size":512}}]},/* c */
 {"subsystem":"nvmf","config":[{"method":"nvmf_create_transport","params":{"trtype":"TCP","max_queue_depth":128}},
 [{"method":"nvmf_create_subsystem","params":{"nqn":"nqn.2016-06.io.spdk:cnode1","allow_any_host":true}},
 {"method":"nvmf_subsystem_add_ns","params":{"nqn":"nqn.2016-06.io.spdk:cnode1","namespace":{"bdev_name":"M0","nsid":1}}},
 {"method":"nvmf_subsystem_add_listener","params":{"nqn":"nqn.2016-06.io.spdk:cnode1","listen_address":{"trtype":"TCP","adrfam":"IPv4","traddr":"127.0.0.1","trsvcid":"4420"}}}]]},
 {"subsystem":"scheduler","config":null}]}""")
put("jsonrpc", "one", b'\x05{"jsonrpc":"2.0","id":1,"method":"bdev_malloc_create","params":{"name":"M0","num_blocks":8192,"block_size":512}}')
put("jsonrpc", "two", b'\x02{"id":"a","method":"rpc_get_methods"} {"id":2,"method":"spdk_get_version","params":null}\n')
put("jsonrpc", "batch", b'\x09[{"id":1,"method":"bdev_get_bdevs"},{"method":"bdev_get_iostat"},{"id":null,"method":"x","params":[1.5e3,-2,"\\u00e9"]}]')
put("jsonrpc", "wrong", b'\x01{"id":1,"id":2,"method":"nvmf_get_subsystems","params":{"a":1,"a":2}}[]5 "x" {"id":{}}')
put("jsonrpc", "blanks", b"\x09\x09Z{\"i\t\t\t\x10\x00:nnnnnn")
