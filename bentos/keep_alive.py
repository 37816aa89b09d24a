"""How long an idle connection stays open: longer than whoever holds its other end lets it idle."""

import sys

import uvicorn

SHIPPED = 5  # seconds: what a worker of `bentoml serve` has unless --timeout-keep-alive says otherwise
SECONDS = 75  # proxies and load balancers let a connection idle for a minute


def hold_idle_connections() -> None:
    """Give the server that runs the caller our time, unless the user gave it one.

    With the server's timer the shorter one, a request that comes in the moment it rings meets a reset. A
    process that was held up for longer than the timer does that to each request that came meanwhile, for its
    event loop looks at timers first. To be called in the server's event loop; elsewhere nothing is done.
    """
    frame = sys._getframe()
    while frame.f_back:
        frame = frame.f_back
        server = frame.f_locals.get("self")
        if isinstance(server, uvicorn.Server) and server.config.timeout_keep_alive == SHIPPED:
            server.config.timeout_keep_alive = SECONDS
