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

# els: the payload; a name as text
WWPN, WWNN = bytes.fromhex("21000024ff7799ab"), bytes.fromhex("20000024ff7799ab")
HOST, TARGET = b"\0\x01\x02\x00", b"\0\x01\x03\x00"
def login(command, features, size=2048):
    common = struct.pack(">BBHHHII", 0x20, 0x20, 4, features, size, 0xff001f, 2000)
    class3 = struct.pack(">HHHHHHBBH", 0x8800, 0, 0, size, 255, 0, 0, 1, 0)
    return bytes([command, 0, 0, 0]) + common + WWPN + WWNN + bytes(32) + class3 + bytes(32)
def page(fc4, flags, params, *more):
    return struct.pack(">BBHIII", fc4, 0, flags, 0, 0, params) + b"".join(struct.pack(">I", word) for word in more)
def paged(command, *pages):
    return struct.pack(">BBH", command, len(pages[0]), 4 + sum(map(len, pages))) + b"".join(pages)
for name, code, features in (("flogi", 4, 0x8000), ("fdisc", 0x51, 0x8000), ("plogi", 3, 0x8000), ("pdisc", 0x50, 0x8000), ("login-acc", 2, 0x3400)):
    put("els", name, login(code, features))
put("els", "prli-fcp", paged(0x20, page(8, 0x2000, 0xa2)))
put("els", "prli-nvme", paged(0x20, page(0x28, 0x2000, 0x19, 128)))
put("els", "prli-acc", paged(2, page(8, 0x2100, 0x12), page(0x28, 0x2500, 0)))
put("els", "prlo", paged(0x21, page(8, 0, 0)))
put("els", "tprlo", paged(0x24, page(8, 0x3000, 0x010203)))
put("els", "logo", b"\x05\0\0\0" + HOST + WWPN)
put("els", "adisc", b"\x52\0\0\0" + bytes(4) + WWPN + WWNN + HOST)
put("els", "rscn", b"\x61\x04\0\x0c\x04\x01\x02\x00\x03\0\0\0")
put("els", "scr", b"\x62\0\0\0\0\0\0\x03")
for name, code in (("rrq", 0x12), ("rec", 0x13)):
    put("els", name, bytes([code, 0, 0, 0]) + HOST + b"\x12\x34\xff\xff")
put("els", "rec-acc", b"\x02\0\0\0\x12\x34\x56\x78" + HOST + TARGET + struct.pack(">II", 4096, 0x40000000))
put("els", "rls", b"\x0f\0\0\0" + HOST)
put("els", "echo", b"\x10\0\0\0abcd")
put("els", "rjt", b"\x01\0\0\0\0\x09\x1e\0")
for name, text in (("wwn", "0x21000024ff7799ab"), ("wwn-colons", "21:00:00:24:ff:77:99:ab"), ("traddr", "nn-0x20000024ff7799ab:pn-0x21000024ff7799ab")):
    put("els", name, text.encode())

# ct: a CT_IU
def ct(command, body=b"", reason=0):
    return struct.pack(">IBBBBHHBBBB", 0x01000000, 0xfc, 2, 0, 0, command, 0, 0, reason >> 8, reason & 255, 0) + body
types = bytearray(32); types[2] = types[6] = 1
for name, command, body in (
    ("gpn-id", 0x112, HOST), ("gid-pn", 0x121, WWPN), ("gpn-ft", 0x172, b"\0\0\0\x08"), ("gid-pt", 0x1a1, b"\x7f\0\0\0"),
    ("gid-ff", 0x1f1, b"\0\0\0\0\0\0\x01\x08"), ("rpn-id", 0x212, HOST + WWPN), ("rft-id", 0x217, HOST + types),
    ("rff-id", 0x21f, HOST + b"\0\0\x02\x08"), ("rcs-id", 0x214, HOST + b"\0\0\0\x08"), ("rspn-id", 0x218, HOST + b"\x03abc"),
    ("rpt-id", 0x21a, HOST + b"\x01\0\0\0"), ("rsnn-nn", 0x239, WWNN + b"\x04node"), ("da-id", 0x300, HOST), ("other", 0x235, WWNN),
    ("ports", 0x8002, HOST + b"\x80\x01\x03\0" + HOST), ("names", 0x8002, (HOST + bytes(4) + WWPN) * 2 + b"\x80" + TARGET[1:] + bytes(4) + WWNN),
    ("types", 0x8002, types), ("all", 0x8002, (b"\x01\x01\x02\0" + WWPN + b"\x04port").ljust(268, b"\0") + (WWNN + b"\x04node").ljust(352, b"\0"))):
    put("ct", name, ct(command, bytes(body)))
put("ct", "reject", ct(0x8001, reason=0x0907))

# fcp: a command or a response
def cmnd(flags, cdb, *lengths, tm=0, more=b""):
    return bytes([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, tm, flags | len(more)]) + cdb.ljust(16, b"\0") + more + b"".join(struct.pack(">I", n) for n in lengths)
put("fcp", "read", cmnd(2, bytes.fromhex("28000000000800000800"), 4096))
put("fcp", "write", cmnd(1, bytes.fromhex("2a000000000800000800"), 4096))
put("fcp", "both", cmnd(3, b"\x7f", 512, 1024, more=b"m" * 16))
put("fcp", "reset", cmnd(0, b"", 0, tm=0x10))
def rsp(flags, status, residual=0, sense=b"", info=b"", tail=b""):
    return bytes(10) + bytes([flags, status]) + struct.pack(">III", residual, len(sense), len(info)) + info + sense + tail
put("fcp", "good", rsp(0, 0))
put("fcp", "short", bytes(12))
put("fcp", "check", rsp(0x0a, 2, 512, b"\x70\0\x05" + bytes(15)))
put("fcp", "function", rsp(1, 0, info=b"\0\0\0\x08\0\0\0\0"))
put("fcp", "two-residuals", rsp(0xd4, 8, 1, tail=b"\0\0\0\x02"))

# fcnvme: the payload of a link service, a command or a response
def descriptor(tag, body):
    return struct.pack(">II", tag, len(body)) + body
def ls(command, *descriptors):
    body = b"".join(descriptors)
    return struct.pack(">B3xI", command, len(body)) + body
one = struct.pack(">Q", 0x1122334455667788)
queue_part = lambda ratio, number, size: struct.pack(">H38xHH4x", ratio, number, size)
nqn = lambda text: text.encode().ljust(256, b"\0")
create = queue_part(8, 0xffff, 31) + bytes(16) + nqn("nqn.2014-08.org.nvmexpress:uuid:h") + nqn("nqn.2024-01.io.qfc:v")
put("fcnvme", "association", ls(3, descriptor(3, create + bytes(432))))
put("fcnvme", "connection", ls(4, descriptor(7, one), descriptor(4, queue_part(25, 1, 127))))
put("fcnvme", "disconnect", ls(5, descriptor(7, one), descriptor(5, bytes(16))))
put("fcnvme", "disconnect-connection", ls(6, descriptor(7, one), descriptor(6, one)))
asked = lambda command: descriptor(1, bytes([command]) + bytes(7))
put("fcnvme", "association-acc", ls(2, asked(3), descriptor(7, one), descriptor(6, one)))
put("fcnvme", "connection-acc", ls(2, asked(4), descriptor(6, one)))
put("fcnvme", "disconnect-acc", ls(2, asked(5)))
put("fcnvme", "rjt", ls(1, asked(4), descriptor(2, b"\0\x42\x40\0" + bytes(4))))
for name, flags, opcode, length in (("read", 2, 2, 4096), ("write", 1, 1, 4096), ("flush", 0, 0, 0)):
    put("fcnvme", name, struct.pack(">BBHHBBQII", 0xfd, 0x28, 24, 0, 8, flags, 5, 9, length) + bytes([opcode, 0x40]).ljust(64, b"\0") + bytes(8))
put("fcnvme", "ersp", struct.pack(">BBHIII", 0, 0, 8, 3, 512, 0) + bytes(16))

# fip: what comes after an Ethernet header
def fip(operation, subcode, flags, *descriptors):
    body = b"".join(bytes([kind, (len(data) + 2) // 4]) + data for kind, data in descriptors)
    return struct.pack(">BBHBBHH", 0x10, 0, operation, 0, subcode, len(body) // 4, flags) + body
mac, name = (2, bytes([2, 0, 0, 0, 0, 1])), (4, bytes(2) + WWNN)
vn = (11, bytes.fromhex("0efc00010200") + HOST + WWPN)
size, fc4 = (6, struct.pack(">H", 2158)), (15, bytes(2) + types + bytes(128))
frame = bytes.fromhex("22fffffe000000000129000000000000") + b"\x12\x34\xff\xff" + bytes(4) + login(4, 0x8000)
put("fip", "solicitation", fip(1, 1, 0x8000, mac, name, size))
put("fip", "advertisement", fip(1, 2, 0x8007, (1, b"\0\x80"), mac, name, (5, bytes(3) + b"\x0e\xfc\0" + WWNN), (12, bytes(2) + struct.pack(">I", 8000))))
put("fip", "flogi", fip(2, 1, 0x8000, (7, bytes(2) + frame), mac))
put("fip", "flogi-acc", fip(2, 2, 0x8000, (7, bytes(2) + frame), mac, mac))
put("fip", "keep-alive", fip(3, 1, 0x8000, mac, vn))
put("fip", "clear", fip(3, 2, 0, mac, name, vn, vn))
put("fip", "vlan", fip(4, 2, 0, mac, (14, b"\0\x64"), (14, b"\0\xc8")))
put("fip", "probe", fip(5, 1, 8, mac, name, vn))
put("fip", "claim", fip(5, 3, 0, mac, name, vn, fc4, size) + bytes(20))
put("fip", "service-missing", fip(2, 2, 0x8000, (0xfa, bytes(138)), mac, mac))
put("fip", "frame", bytes(13) + b"\x2e" + frame + struct.pack("<I", 0x01020304) + b"\x42\0\0\0")

# fip_machine: Ethernet frames to a switch, an ENode and a VN2VN port, with time between them
def heard(ticks, ethertype, body, source="020000000009"):
    whole = bytes.fromhex("020000000001" + source) + struct.pack(">H", ethertype) + body
    return struct.pack(">BH", ticks, len(whole)) + whole
other = (2, bytes.fromhex("020000000009"))
at_9 = (11, bytes.fromhex("0efd0000999900000099") + b"\x99" + WWPN)
put("fip_machine", "host", heard(1, 0x8914, fip(1, 1, 0x8000, other, name, size)) + heard(0, 0x8914, fip(2, 1, 0x8000, (7, bytes(2) + frame), other))
    + heard(100, 0x8914, fip(3, 1, 0x8000, other)) + heard(255, 0x8914, fip(3, 1, 0x8000, other)) + heard(255, 0x8914, fip(4, 1, 0, other)))
advertised = fip(1, 2, 0x8027, (1, b"\0\x80"), other, name, (5, bytes(3) + b"\x0e\xfc\0" + WWNN), (12, bytes(2) + struct.pack(">I", 8000)))
put("fip_machine", "switch", heard(1, 0x8914, advertised.ljust(2158, b"\0")) + heard(20, 0x8914, advertised)
    + heard(1, 0x8914, fip(2, 2, 0x8000, (7, bytes(2) + frame), other)) + heard(9, 0x8914, fip(3, 2, 0, other, name)))
put("fip_machine", "neighbour", heard(1, 0x8914, fip(5, 3, 0, other, name, at_9, fc4, size)) + heard(1, 0x8914, fip(5, 5, 0, other, name, at_9))
    + heard(20, 0x8914, fip(5, 1, 0, other, name, at_9)) + heard(20, 0x8914, fip(2, 1, 0, (7, bytes(2) + frame), other)) + heard(255, 0x8914, b""))
put("fip_machine", "plain", heard(1, 0x8906, bytes(13) + b"\x2e" + frame + struct.pack("<I", 0) + b"\x42\0\0\0"))

# switch: frames into two ports of a switch, 03_0100h and 03_0200h, with time between them
def into(port, ticks, frame):
    return struct.pack(">BH", ticks << 1 | port, len(frame)) + frame
def fc_frame(r_ctl, d_id, s_id, kind, payload, seq_cnt=0, f_ctl=0x290000, ox_id=0x1234):
    head = struct.pack(">IIIBBHHHI", r_ctl << 24 | d_id, s_id, kind << 24 | f_ctl, 0, 0, seq_cnt, ox_id, 0xffff, 0)
    return head + payload
def ct_query(command, body):
    return bytes([1, 0, 0, 0, 0xfc, 2, 0, 0]) + struct.pack(">HHI", command, 0, 0) + body
HOST_A, HOST_B = 0x030100, 0x030200
els = lambda d_id, payload, s_id=HOST_A: fc_frame(0x22, d_id, s_id, 1, payload)
ask = lambda command, body: fc_frame(0x02, 0xfffffc, HOST_A, 0x20, ct_query(command, body))
put("switch", "login", into(0, 0, els(0xfffffe, login(4, 0x8000), 0)) + into(0, 3, els(0xfffffe, login(0x51, 0), 0)))
put("switch", "change", into(0, 0, els(0xfffffd, bytes([0x62, 0, 0, 0, 0, 0, 0, 3]))) + into(1, 9, els(0xfffffe, login(4, 0), 0))
    + into(0, 127, fc_frame(0x23, 0xfffffd, HOST_A, 1, bytes([2, 0, 0, 0]), f_ctl=0x980000)) + into(1, 127, bytes(24)))
put("switch", "logout", into(1, 0, els(0xfffffe, bytes([5, 0, 0, 0, 0, 3, 2, 0]) + bytes.fromhex("2100000000000001"), HOST_B)))
put("switch", "names", into(0, 0, ask(0x0217, bytes([0, 3, 1, 0]) + bytes(2) + b"\1" + bytes(29)))
    + b"".join(into(0, 0, ask(c, bytes([0, 3, 1, 0]))) for c in (0x100, 0x112, 0x113, 0x117, 0x118, 0x11f, 0x300))
    + b"".join(into(0, 0, ask(c, bytes([0, 0, 0, 8]))) for c in (0x171, 0x172, 0x173)))
put("switch", "parts", into(0, 0, fc_frame(0x02, 0xfffffc, HOST_A, 0x20, ct_query(0x218, b""), 0, 0x210000))
    + into(0, 0, fc_frame(0x02, 0xfffffc, HOST_A, 0x20, bytes([0, 3, 1, 0, 3]) + b"abc", 1)))
put("switch", "data", into(0, 0, fc_frame(0x01, HOST_B, HOST_A, 8, b"d" * 64)) + into(1, 0, fc_frame(0x81, HOST_A, HOST_B, 0, b"")))

# scsi: a script of steps; an index into the table of commands, 32 bytes of CDB, how it is made, and the data
def cdb(place, index, bytes_, how=0, data=b""):
    return bytes([place, index]) + bytes_.ljust(32, b"\0") + bytes([how]) + data.ljust(48, b"\0")
nexus = [((0, 0), NONE)]
def on(step, *commands):
    return [(step, c) for c in commands]
rows, (READ, WRITE, SAME, UNMAP, COPY) = range(80), (14, 15, 21, 22, 45)  # places of wire::scsi::TABLE
one_block = bytes.fromhex("00000000000500000100")
put("scsi", "ready", script(nexus + on((8, 0), *[cdb(0, 0, NONE)] * 3)))
put("scsi", "each", script(nexus + on((8, 0), cdb(0, 0, NONE), *[cdb(0, row, bytes([0, 0, 0, 0, 0, 1, 0, 0, 2, 1, 0, 0, 0, 1])) for row in rows])))
put("scsi", "each-out", script(nexus + on((8, 0), cdb(0, 0, NONE), *[cdb(0, row, bytes([0, 0, 0, 0, 0, 1, 0, 0, 2, 1, 0, 0, 0, 1]), 4, b"x" * 48) for row in rows])))
put("scsi", "residuals", script(nexus + on((8, 0), cdb(0, 0, NONE), *[cdb(0, row, one_block, how) for row in (READ, WRITE) for how in (0x40, 0x44, 0x50, 0x54, 0x60, 0x64, 0x70)])))
slow = [cdb(1, READ, one_block), cdb(1, WRITE, one_block, 4, b"y" * 48)]
ordered = bytes([0x41, 1]) + slow[0][1:]
for name, function in enumerate(("abort", "set", "clear", "lun", "target", "query", "query-set", "nexus")):
    put("scsi", function, script(nexus + [((0, 1), NONE)] + on((8, 0), cdb(1, 0, NONE)) + on((0x88, 0), *slow, ordered) + [((7, 0), bytes([1, 3, name])), ((4, 0), b"\x02")]))
put("scsi", "hold", script(nexus + on((8, 0), cdb(0, 0, NONE)) + [((2, 0), NONE)] + on((8, 0), cdb(0, WRITE, one_block, 4), cdb(0, SAME, one_block, 4), cdb(0, UNMAP, bytes([0, 0, 0, 0, 0, 0, 0, 0, 24]), 4)) + [((6, 0), b"\0"), ((3, 0), NONE)]))
put("scsi", "map", script(nexus + on((8, 0), cdb(0, 0, NONE), *slow) + [((5, 0), bytes([0x61])), ((4, 0), b"\x01"), ((5, 0), bytes([0])), ((4, 0), b"\x02"), ((5, 0), bytes([0x20])), ((5, 0), bytes([0x60]))] + on((8, 0), *[cdb(0, 0, NONE)] * 4)))
put("scsi", "lost", script(nexus + on((0x88, 0), *slow, ordered, ordered) + [((1, 0), NONE)]))
put("scsi", "full", script(nexus + [((5, 0), bytes([0x70]))] + on((8, 0), cdb(1, 0, NONE), cdb(1, 0, NONE)) + on((8, 0), *slow * 3) + [((4, 0), b"\x02")]))

def copy(place, which, data):
    return bytes([place, COPY + which]) + bytes(32) + b"\0" + data + bytes(4)
def segments(list_, *each):
    return bytes([len(each), list_]) + b"".join(bytes(one) for one in each)
def some_ranges(*each):
    return bytes([len(each)]) + b"".join(bytes(one) for one in each)
both = [copy(0, which, segments(1, (2, 200, 0, 9), (0, 1, 5, 5))) for which in (0, 1)]
asks = [cdb(0, COPY + 5 + which, bytes([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2])) for which in range(6)]
put("scsi", "copy", script(nexus + on((8, 0), cdb(0, 0, NONE), *both, *asks)))
put("scsi", "copy-slow", script(nexus + on((8, 0), cdb(1, 0, NONE)) + on((0x88, 0), copy(1, 0, segments(1, (2, 200, 0, 9)))) + on((8, 0), *asks) + [((4, 0), b"\x01"), ((5, 0), bytes([0])), ((4, 0), b"\x03")]))
put("scsi", "token", script(nexus + on((8, 0), cdb(0, 0, NONE), copy(0, 2, some_ranges((1, 9), (7, 3))), asks[4], asks[5], copy(0, 3, some_ranges((9, 9))), asks[4])))

# fcnvme_port: steps; log in, associate, connect, enable, I/O, and what may come between
def fc(what, who=0, *more):
    return bytes([what, who, *more])
ASSOCIATE, IO_CONNECTION, DISCONNECT, ONE = range(4)
def unit(kind, *more, how=0):
    return fc(12, 0, how, kind, *more)
# An admin queue with a controller that is enabled, and an I/O queue of it.
admin = fc(0) + fc(8, 0, ASSOCIATE, 0, 0) + unit(0, 0x10, 0, 0) + unit(2, 0)
queue = admin + fc(8, 0, IO_CONNECTION, 0, 1) + unit(1, 0x10, 0, 1, 0)
reads = b"".join(unit(15, 0, 0, 1, 0, 0, 0, 8, 0) for _ in range(4))
writes = b"".join(unit(17, 0, 0, 1, 0, 0, 0, 8, 0) for _ in range(4))
put("fcnvme_port", "admin", admin + b"".join(unit(kind, 0, 0, 0, 0) for kind in range(24)))
put("fcnvme_port", "io", queue + reads + writes + b"".join(unit(kind, 0, 0, 0, 0) for kind in range(15, 24)))
put("fcnvme_port", "disconnect", queue + reads + fc(8, 0, DISCONNECT, 0, 0) + reads + admin)
put("fcnvme_port", "one", queue + fc(8, 0, ONE, 0, 0) + reads + fc(8, 0, IO_CONNECTION, 0, 1))
put("fcnvme_port", "held", queue + fc(2) + writes + reads + fc(6, 0) + fc(6, 1) + fc(6, 3) + fc(1) + fc(3) + admin)
put("fcnvme_port", "port", queue + writes + fc(11) + queue + fc(7) + writes + fc(4, 0, 6))
put("fcnvme_port", "broken", queue + unit(15, 0, 0, how=0x40) + b"\7\3" + fc(9, 0, 48) + bytes(48) + fc(10, 0, 96) + b"\xfd\x28\0\x18" + bytes(92))

# fcp_port: steps; log in, commands, aborts, sessions and ports that go
UP, DOWN, HOLD, GO, WAIT, MEDDLE, ABORT, FAIL, PORT, RAW, COMMAND = range(11)
def rows(*kinds, how=0, dl=4):
    return b"".join(bytes([COMMAND, 0, 0, kind, how]) + bytes(7) + b"\0\x01" + bytes(7) + bytes([dl]) for kind in kinds)
both = bytes([UP, 0, UP, 1, UP, 0])
put("fcp_port", "every-command", both + rows(*range(64), dl=6))
put("fcp_port", "writes", both + rows(*range(64), how=1, dl=4))
put("fcp_port", "functions", both + rows(*range(8), how=0x80) + rows(0))
put("fcp_port", "held", both + bytes([HOLD, 0, HOLD, 1]) + rows(*range(16), how=1, dl=8) + bytes([ABORT, 0, 0, ABORT, 0, 1, DOWN, 0, GO, 0, GO, 1]))
put("fcp_port", "ports", both + rows(0, 5, 9) + bytes([PORT, 0, UP, 0]) + rows(0, 5) + bytes([FAIL, 0]) + rows(12, how=1))
put("fcp_port", "changes", both + bytes([MEDDLE, 0, 0, MEDDLE, 0, 0x20, MEDDLE, 0, 0x40, MEDDLE, 0, 0x61]) + rows(0, 1, 2, 3))
put("fcp_port", "raw", both + bytes([RAW, 0, 31]) + bytes(31) + bytes([RAW, 0, 99]) + bytes(11) + b"\xff" + bytes(87))

# vfio_user: steps; a client's messages, what it maps, what the model does with it
ANY, BYTES, POLL, AGAIN, LATER, SHORTER, MAPPING, ORDER, READ, VECTOR = range(10)
def told(command, payload=b"", flags=0, kinds=0):
    return bytes([ANY, command, flags, kinds, len(payload)]) + payload.ljust(255, b"\0")
def mapped(flags=3, offset=0, address=1, pages=2, kinds=0x10):
    return bytes([MAPPING, flags, offset, address, pages, kinds])
def ordered(address, length, what):
    return bytes([ORDER, address, length, what, POLL])
le = lambda *numbers: b"".join(number.to_bytes(4, "little") for number in numbers)
answered = bytes([POLL, READ])
put("vfio_user", "questions", b"".join(told(command, le(32, 0, index)) + answered for command in (4, 5, 7) for index in range(10)))
put("vfio_user", "accesses", b"".join(told(9, le(at, 0, region, 4)) + told(10, le(at, 0, region, 4, 7)) + answered for region in range(9) for at in (0, 4092)))
put("vfio_user", "many", told(15, le(3, 0) + b"".join(le(at, 0, 2, 4, 5, 0) for at in (0, 8, 16))) + answered)
put("vfio_user", "sealed", mapped() + answered + b"".join(ordered(address, 100, what) for address in (1, 2, 3, 4, 5) for what in (0, 1)))
put("vfio_user", "loose", mapped(kinds=0x12) + answered + ordered(2, 10, 1) + bytes([SHORTER, 0]) + ordered(2, 10, 0) + ordered(2, 10, 1) + bytes([SHORTER, 4]) + ordered(3, 255, 0))
put("vfio_user", "two", mapped() + mapped(address=3, offset=2) + answered * 2 + ordered(5, 255, 0) + mapped(0x80, 0, 3, 2) + answered + ordered(5, 255, 1) + mapped(0x82, 0, 0, 0) + answered + ordered(2, 1, 0))
put("vfio_user", "asked", mapped(kinds=0) + answered + ordered(2, 4, 0) + answered + told(11, le(0x1BD0, 0, 64, 0) + bytes(64), 1) + ordered(2, 4, 0) + answered)
put("vfio_user", "vectors", b"".join(bytes([VECTOR, at]) + answered for at in range(5)) + b"".join(ordered(0, 0, 0xC0 + at) for at in range(8)) + told(8, le(20, 33, 2, 0, 0)) + answered + told(8, le(24, 34, 2, 0, 4) + b"\1\0\1\1") + told(8, le(20, 9, 0, 0, 1)) + answered)
put("vfio_user", "again", mapped() + bytes([POLL]) + ordered(2, 4, 0) + told(13) + answered + bytes([BYTES, 5]) + le(9, 9)[:5] + bytes([AGAIN]) + ordered(2, 4, 0) + bytes([BYTES, 20]) + bytes([255] * 20) + bytes([POLL, AGAIN]))
put("vfio_user", "unread", told(9, le(0, 0, 2, 8192)) * 40 + bytes([POLL, LATER, 60, POLL, LATER, 60, POLL]))

# qla_lane: protocol and length of the rings; steps of the home, the owner and the adapter
SESSION, COMMAND, RAW_ATIO, ORDERED, FETCH, DONE, POINTER, ABTS, TIME, RESET = 0, 1, 3, 4, 7, 9, 12, 13, 14, 15
def turn(kind, which=0, status=0, change=0):
    return bytes([ORDERED, which, kind, FETCH, 7, DONE, 0, status, change])
commands = bytes([SESSION]) + b"".join(bytes([COMMAND, n]) for n in range(5))
put("qla_lane", "reads", bytes([0]) + commands + turn(2) * 5 + turn(2 + 8) * 2 + turn(3 + 24))
put("qla_lane", "nvme", bytes([1]) + commands + turn(2) + turn(2 + 8) + turn(2 + 24) + turn(0) + turn(3) + turn(4))
put("qla_lane", "writes", bytes([0x40]) + commands + b"".join(turn(0, n) + turn(1, n) + turn(3, n) for n in range(4)))
put("qla_lane", "aborts", bytes([0]) + commands + bytes([ORDERED, 0, 0, FETCH, 7, ABTS, 0, ABTS, 1, FETCH, 7]) + bytes([DONE, 0, 0, 0, DONE, 1, 0, 0]) + turn(4) * 3)
put("qla_lane", "errors", bytes([0]) + commands + turn(2, 0, 0xc2) + turn(0, 1, 0xe8) + turn(3, 1, 0xc0) + turn(4, 2) + bytes([DONE, 3, 0, 0xc3, 8]))
put("qla_lane", "gone", bytes([0]) + commands + turn(0, 0)[:5] + bytes([SESSION, FETCH, 7, DONE, 0, 0, 0, DONE, 1, 0, 0, SESSION, COMMAND, 1]) + turn(3))
put("qla_lane", "reset", bytes([0]) + commands + bytes([ORDERED, 0, 0, ORDERED, 1, 2, RESET]) + commands + turn(3) * 4)
put("qla_lane", "lies", bytes([0]) + commands + bytes([ORDERED, 0, 0, POINTER, 9, 0, POINTER, 9, 1, TIME, 255, TIME, 255, RESET]))
put("qla_lane", "full", bytes([0]) + commands + bytes([COMMAND, 9]) * 6 + bytes([ORDERED, 0, 10] * 1 + [ORDERED, 1, 10, ORDERED, 2, 10, ORDERED, 3, 10]) + (bytes([FETCH, 2]) + bytes([DONE, 0, 0, 0])) * 6)
put("qla_lane", "raw", bytes([0, SESSION, RAW_ATIO]) + bytes([6, 2, 60, 0, 9]) + bytes(200) + turn(3))

# iscsi_pdu: flags, seed of the pieces, stream
def iscsi_bhs(opcode, data=b"", ahs=0):
    return (bytes([opcode, 0x80, 0, 0, ahs]) + struct.pack(">I", len(data))[1:]).ljust(48 + 4 * ahs, b"\0")
def iscsi_one(opcode, data=b"", ahs=0, header=False, tail=False):
    pdu = iscsi_bhs(opcode, data, ahs) + (bytes(4) if header else b"")
    return pdu + data.ljust(-(-len(data) // 4) * 4, b"\0") + (bytes(4) if tail and data else b"")
put("iscsi_pdu", "plain", bytes([0xc0, 3]) + iscsi_one(3, b"a=b\0x") + iscsi_one(1) + iscsi_one(5, b"d" * 513) + iscsi_one(1, ahs=3))
put("iscsi_pdu", "past", bytes([0xc8, 9]) + iscsi_one(5, b"d" * 99) * 3)
put("iscsi_pdu", "long", bytes([0x10, 9]) + iscsi_one(1) + iscsi_one(5, b"d" * 99))
for which in (1, 2, 3):
    one = dict(header=bool(which & 1), tail=bool(which & 2))
    put("iscsi_pdu", f"digest-{which}", bytes([0xc4 | which, 7]) + iscsi_one(5, b"x" * 65, **one) + iscsi_one(1, ahs=1, **one) + iscsi_one(0, b"p", **one))

# iscsi_login: who is asked; flags, changes, length, text of pairs
def said(flags, *pairs, change=0):
    return struct.pack("<BBH", flags, change, len(pairs)) + bytes(0x80 + pair for pair in pairs)
def told(change, *pairs):
    return struct.pack("<BH", change, len(pairs)) + bytes(0x80 + pair for pair in pairs)
everything = [16, 18, 20, 22, 23, 26, 28, 30, 31, 32, 33, 35, 36, 38, 39, 40, 41, 42, 43]
put("iscsi_login", "normal", bytes([0]) + said(0x81, 0, 1, 3, 4, 6) + said(0x87, *everything) + told(1, 45) + told(1, 26, 21))
put("iscsi_login", "one-stage", bytes([0]) + said(0x87, 0, 1, *everything))
put("iscsi_login", "discovery", bytes([0]) + said(0x87, 0, 2, 25) + told(1, 44) + told(9) * 20 + told(0, 42) + told(2, 44))
put("iscsi_login", "insists", bytes([12]) + said(0x87, 0, 1) + said(0x87, 17, 19, 24))
put("iscsi_login", "chap", bytes([3]) + said(0x81, 0, 1, 5) + said(0, 8) + said(0x81, 13, 14, 10, 11))
put("iscsi_login", "parts", bytes([0]) + said(0x44, 0) + said(0x44, 1) + said(0x04, 21) + said(0x87, 24, 29))
put("iscsi_login", "joins", bytes([0]) + said(0x87, 0, 1, 15, change=8))
put("iscsi_login", "target", bytes([0x80]) + said(0x81, 46, 6) + said(0x87, *everything, change=2))
put("iscsi_login", "target-chap", bytes([0x83]) + said(0, 46, 7) + said(0, 9, 10, 11) + said(0x81, 13, 14) + said(0x87, *everything, change=2))
put("iscsi_login", "target-insists", bytes([0x84]) + said(0x81, 6) + said(0x04, 17, 19, 22, 24) + said(0x87, change=2))
