"""Whether a TCP port of this machine can be listened on. Between the look and the listening somebody else may take it:
who asks has to live with that."""

import socket


def probe(host: str, port: int) -> int:
    """The port, or one that is free where it is 0. A connection that was closed a moment ago does not keep it, as it
    does not keep a server that starts again.

    Raises:
        OSError: somebody listens there, or this process may not.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probing:
        probing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probing.bind((host, port))
        return int(probing.getsockname()[1])


def is_free(host: str, port: int) -> bool:
    try:
        probe(host, port)
    except OSError:
        return False
    return True
