"""OTLP metric requests in protocol buffers, written by hand from the documented field numbers."""

import struct

DELTA, CUMULATIVE = 1, 2


def varint(number):
    number &= (1 << 64) - 1
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def number(field, value):
    return varint(field << 3) + varint(value)


def zigzag(field, value):
    return number(field, value << 1 if value >= 0 else (-value << 1) - 1)


def fixed(field, value):
    return varint(field << 3 | 1) + struct.pack("<Q", value & (1 << 64) - 1)


def real(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def message(field, payload):
    payload = payload.encode() if isinstance(payload, str) else payload
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def attributes(field, **pairs):
    """Texts as KeyValues; an underscore in a name stands for a dot."""
    return b"".join(message(field, message(1, key.replace("_", ".")) + message(2, message(1, value)))
                    for key, value in pairs.items())


def number_point(value, time_ns, **pairs):
    return message(1, attributes(7, **pairs) + fixed(3, time_ns) + real(4, value))


def gauge(name, unit, points):
    return message(2, message(1, name) + message(3, unit) + message(5, points))


def counter(name, unit, temporality, points):
    return message(2, message(1, name) + message(3, unit) + message(7, points + number(2, temporality) + number(3, 1)))


def histogram(name, unit, temporality, time_ns, counts, bounds, total, **pairs):
    point = (attributes(9, **pairs) + fixed(3, time_ns) + fixed(4, sum(counts)) + real(5, total) +
             message(6, b"".join(struct.pack("<Q", count) for count in counts)) +
             message(7, b"".join(struct.pack("<d", bound) for bound in bounds)))
    return message(2, message(1, name) + message(3, unit) + message(9, message(1, point) + number(2, temporality)))


def exponential(name, temporality, time_ns, scale, offset, counts, total, **pairs):
    buckets = zigzag(1, offset) + message(2, b"".join(varint(count) for count in counts))
    point = (attributes(1, **pairs) + fixed(3, time_ns) + fixed(4, sum(counts)) + real(5, total) + zigzag(6, scale) +
             message(8, buckets))
    return message(2, message(1, name) + message(10, message(1, point) + number(2, temporality)))


def summary(name, time_ns, count, total, quantiles):
    point = fixed(3, time_ns) + fixed(4, count) + real(5, total)
    point += b"".join(message(6, real(1, quantile) + real(2, value)) for quantile, value in quantiles.items())
    return message(2, message(1, name) + message(11, message(1, point)))


def request(metrics, scope=b"", **resource):
    """An ExportMetricsServiceRequest with one resource and one scope."""
    return message(1, message(1, attributes(1, **resource)) + message(2, message(1, scope) + b"".join(metrics)))
