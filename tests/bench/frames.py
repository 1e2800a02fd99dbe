"""Ethernet frames with ARP, ping or DHCP in them, as octets and as plain values; shared by clients and observer."""
import collections
import socket
import struct

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE = 1, 2, 3, 4, 5, 6, 7
BROADCAST = b"\xff" * 6
EVERYONE = bytes([255] * 4)
NOBODY = bytes(4)
COOKIE = b"\x63\x82\x53\x63"
ARP, IPV4 = 0x0806, 0x0800
ICMP, UDP = 1, 17

# A DHCP message in a frame: who sent the frame, and what the message says. Addresses are four octets, the lease in
# seconds; `server` is the server identifier, `wanted` the address that a client asks for, in whichever field.
Message = collections.namedtuple("Message", "sender kind xid hardware yours wanted server lease")
# Who asks for the address of whom; both as (hardware address, address).
Question = collections.namedtuple("Question", "asker address wanted")


def checksum(octets):
    """The Internet checksum."""
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet(protocol, source, target, payload):
    """An IPv4 packet."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0x10, 20 + len(payload), 0, 0, 64, protocol, 0, source, target)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ethernet(target, source, kind, payload):
    """A frame."""
    return target + source + struct.pack("!H", kind) + payload


def request(kind, xid, hardware, secs=0, held=NOBODY, wanted=None, server=None):
    """What a client says, as the payload of a datagram."""
    text = struct.pack("!BBBBIHH4s4s4s4s", 1, 1, 6, 0, xid, min(secs, 65535), 0, held, NOBODY, NOBODY, NOBODY)
    text += hardware + bytes(10 + 192) + COOKIE + bytes([53, 1, kind])
    if wanted:
        text += b"\x32\x04" + wanted
    if server:
        text += b"\x36\x04" + server
    return (text + b"\x37\x05\x01\x03\x33\x3a\x3b\xff").ljust(300, b"\0")


def datagram(payload, link, source=NOBODY, target=EVERYONE):
    """A client's datagram to servers; `link`: hardware addresses of client and receiver. It has no UDP checksum."""
    udp = struct.pack("!HHHH", 68, 67, 8 + len(payload), 0) + payload
    return ethernet(link[1], link[0], IPV4, packet(UDP, source, target, udp))


def options(octets):
    """Options of a message by code; the last of a code counts."""
    found, at = {}, 0
    while at + 1 < len(octets) and octets[at] != 255:
        if octets[at] == 0:
            at += 1
            continue
        found[octets[at]] = octets[at + 2:at + 2 + octets[at + 1]]
        at += 2 + octets[at + 1]
    return found


def body(frame, protocol):
    """Source, target and payload of the IPv4 packet of a protocol in a frame; None when it is something else."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00" or frame[23] != protocol:
        return None
    head = 14 + 4 * (frame[14] & 15)
    return frame[26:30], frame[30:34], frame[head:14 + int.from_bytes(frame[16:18], "big")]


def message(frame):
    """The DHCP message of a frame; None when it carries none."""
    found = body(frame, UDP)
    if not found or len(found[2]) < 8 + 240:
        return None
    ports, text = found[2][:4], found[2][8:]
    if ports[2:] not in (b"\0\x43", b"\0\x44") or text[236:240] != COOKIE:
        return None
    said = options(text[240:])
    # as clients send it: their own address, else the one that they ask for
    wanted = text[12:16] if text[12:16] != NOBODY else said.get(50)
    return Message(frame[6:12], said.get(53, b"\0")[0], int.from_bytes(text[4:8], "big"), text[28:34], text[16:20],
                   wanted, said.get(54), int.from_bytes(said.get(51, b""), "big"))


def timers(frame):
    """Seconds to renewing and to rebinding that an ACK names; None for each that it does not."""
    said = options(body(frame, UDP)[2][8 + 240:])
    return [int.from_bytes(said[code], "big") if code in said else None for code in (58, 59)]


def question(frame):
    """The ARP request in a frame; None when it is something else."""
    if len(frame) < 42 or frame[12:22] != b"\x08\x06\0\x01\x08\0\x06\x04\0\x01":
        return None
    return Question(frame[22:28], frame[28:32], frame[38:42])


def arp_reply(asked, hardware):
    """The answer to an ARP request."""
    text = b"\0\x01\x08\0\x06\x04\0\x02" + hardware + asked.wanted + asked.asker + asked.address
    return ethernet(asked.asker, hardware, ARP, text)


def echo_reply(frame, hardware):
    """The answer to a ping that a frame holds; None when it holds none."""
    found = body(frame, ICMP)
    if not found or found[2][:1] != b"\x08":
        return None
    echo = b"\0\0\0\0" + found[2][4:]
    echo = echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:]
    return ethernet(frame[6:12], hardware, IPV4, packet(ICMP, found[1], found[0], echo))


def listen(interface):
    """A socket that takes and gives whole frames of an interface, its own included; it never waits."""
    taken = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    taken.bind((interface, 0))
    taken.setblocking(False)
    return taken


def dotted(octets):
    """Four octets as people write them."""
    return socket.inet_ntoa(octets)
