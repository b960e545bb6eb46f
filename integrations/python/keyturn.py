"""A client of Keyturn, which decides what an AI agent may do, asks people where policy says so, and executes or releases it once.

One module, the standard library only, Python 3.9 or newer. It speaks the HTTP contract of Keyturn's docs/openapi.json.

    import keyturn

    client = keyturn.Client()                      # KEYTURN_URL, KEYTURN_TOKEN
    action = client.request("disk-usage", reason="is /var full?")
    print(action["state"], action["outcome"])

Where a tool runs in your own program (`mode: grant` in tools.yaml), Keyturn releases and you run:

    @client.guarded("deploy")
    def deploy(ref): ...

    deploy(ref="v1.4")                             # runs once, when Keyturn released exactly this; reports what came of it

This is a convenience and no boundary: a program that holds the credentials can leave the client out. What an agent must not be able to go around belongs
behind Keyturn's own connectors.

Nothing here keeps a connection or a thread: a Client may be used from several threads at once. Proxy variables of the environment are not looked at.
"""
from __future__ import annotations

import contextlib
import functools
import http.client
import inspect
import json
import os
import random
import socket
import ssl
import time
import urllib.parse
import uuid
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple, TypedDict, Union

__all__ = ["Client", "KeyturnError", "Refused", "Unreachable", "NotReleased", "StillOpen", "Denied", "Expired", "Cancelled", "AlreadyRan", "ReleaseUncertain", "OutcomeNotReported",
           "Release", "Event", "Action", "Needed", "Vote", "Verdict", "Outcome", "Comment", "Party", "Ledger", "is_settled", "is_final"]

# What the client calls, by the operationId of docs/openapi.json: method and path.
OPERATIONS: Dict[str, Tuple[str, str]] = {
    "requestAction": ("POST", "/v1/actions"),
    "listActions": ("GET", "/v1/actions"),
    "getAction": ("GET", "/v1/actions/{id}"),
    "streamAction": ("GET", "/v1/actions/{id}/stream"),
    "cancelAction": ("POST", "/v1/actions/{id}/cancel"),
    "amendAction": ("POST", "/v1/actions/{id}/amend"),
    "vote": ("POST", "/v1/actions/{id}/votes"),
    "takeVoteBack": ("DELETE", "/v1/actions/{id}/votes"),
    "comment": ("POST", "/v1/actions/{id}/comments"),
    "consumeGrant": ("POST", "/v1/grants/consume"),
    "reportOutcome": ("POST", "/v1/actions/{id}/outcome"),
    "getMe": ("GET", "/v1/me"),
}

FINAL = frozenset({"succeeded", "failed", "unknown", "denied", "expired", "cancelled"})
SETTLED = FINAL | {"approved"}
LEG_SECONDS = 50  # of one long poll; what lies between often cuts silent connections after a minute
_CONNECT_SECONDS = 10
_SLACK_SECONDS = 15  # that an answer may take longer than it was asked to


# ---------------------------------------------------------------- what the server says
class Party(TypedDict, total=False):
    """Who asked, or who answers for it."""
    id: str
    name: str
    kind: str  # agent | person


class Needed(TypedDict, total=False):
    """People who are still asked."""
    group: str
    count: int
    have: int
    stage: int


class Vote(TypedDict, total=False):
    reviewer: str
    decision: str  # approve | deny
    at: str
    assurance: str  # token | chat | session | passkey
    channel: str
    note: str
    instead_of: str


class Comment(TypedDict, total=False):
    by: str
    text: str
    at: str


class _Verdict(TypedDict):
    effect: str  # allow | deny | require | defer
    rules: List[str]
    policy: str
    reasons: List[str]


class Verdict(_Verdict, total=False):
    decided_by: str  # for people


class _Outcome(TypedDict):
    outcome: str  # succeeded | failed | unknown


class Outcome(_Outcome, total=False):
    exit_code: int
    stdout: str
    stderr: str
    rows: List[Any]
    columns: List[str]
    row_count: int
    truncated: bool
    duration_ms: int
    reason: str
    error: str
    result: Any


class Ledger(TypedDict, total=False):
    origin: str
    index: Optional[int]
    last_index: Optional[int]


class _Action(TypedDict):
    id: str
    version: int
    state: str
    digest: str
    created_at: str
    tool: str
    operation: str
    resource: Dict[str, Any]
    args: Any
    verdict: Verdict
    needed: List[Needed]
    votes: List[Vote]
    grant: Optional[str]
    outcome: Optional[Outcome]
    ledger: Ledger


class Action(_Action, total=False):
    """An action as the server shows it to this caller: a plain dict. Times are RFC 3339, UTC. There may be more in it than is named here."""
    expires_at: str
    requester: Party
    owner: Optional[Party]
    mode: str  # execute | grant
    reason: str
    claims: Dict[str, Any]
    comments: List[Comment]
    review_url: str
    awaiting_evidence: str
    amends: Optional[str]
    amended_by: Optional[str]
    deferred_until: str
    settled_at: str
    observed: bool
    waits_for_you: bool


class Event(NamedTuple):
    """Of an action's stream: snapshot, state, vote, comment or outcome, and the action as it was then."""
    name: str
    version: int
    action: Action


def is_settled(action: Action) -> bool:
    """The question is answered: all but deferred, pending and executing, and an approval that is not held any more for its evidence."""
    return action["state"] in SETTLED and "awaiting_evidence" not in action


def is_final(action: Action) -> bool:
    """Nothing will happen to it any more."""
    return action["state"] in FINAL


# ---------------------------------------------------------------- what can go wrong
class KeyturnError(Exception):
    """What this module raises."""


class Refused(KeyturnError):
    """The server answered with a problem (RFC 9457). Programs look at `code`: docs/errors.md has all of them."""

    def __init__(self, status: int, problem: Dict[str, Any]):
        self.status: int = status
        self.code: str = problem.get("code", "")
        self.title: str = problem.get("title", "")
        self.detail: str = problem.get("detail", "")
        self.pointer: Optional[str] = problem.get("pointer")
        self.offset: Optional[int] = problem.get("offset")
        place = f" (at {self.pointer})" if self.pointer else ""
        super().__init__(f"{status} {self.code or 'without a code'}: {self.detail or self.title}{place}")


class Unreachable(KeyturnError):
    """No answer came, for as long as the client is patient. What was asked for may be known to the server all the same."""


class NotReleased(KeyturnError):
    """Nothing may run. `action` says why, where there is one."""

    def __init__(self, message: str, action: Optional[Action] = None):
        self.action = action
        super().__init__(message)


class StillOpen(NotReleased):
    """The wait is over and people have not decided. The same request with the same idempotency key attaches to it."""


class Denied(NotReleased):
    """Policy or people said no."""


class Expired(NotReleased):
    """Nobody decided in time."""


class Cancelled(NotReleased):
    """It was called back, or amended: then `action["amended_by"]` is the id of what took its place."""


class AlreadyRan(NotReleased):
    """Somebody ran it before, for the idempotency key was used: `action["outcome"]` says what came of it."""


class ReleaseUncertain(NotReleased):
    """The grant, or the answer to its use, was lost on the way, or is not of what was asked. So nothing was run here, and nothing will be with it."""


class OutcomeNotReported(KeyturnError):
    """It ran, and Keyturn could not be told; there the outcome becomes `unknown`. `result` is what the function returned."""

    def __init__(self, action: Action, result: Any, why: Exception):
        self.action, self.result = action, result
        super().__init__(f"{action['tool']} ran as {action['id']}, and its outcome could not be reported: {why}")


_NO = {"denied": Denied, "expired": Expired, "cancelled": Cancelled}


class _Lost(Exception):
    """The connection broke. `sent`: after something of the request may have arrived."""

    def __init__(self, why: Exception, sent: bool):
        self.why, self.sent = why, sent
        super().__init__(str(why))


class _Patience:
    """How long without an answer a lost server is tried again, slower and slower."""

    def __init__(self, url: str, seconds: float):
        self._url, self._seconds, self._since, self._began = url, seconds, None, time.monotonic()  # type: str, float, Optional[float], float

    def answered(self) -> None:
        self._since = None

    def lost(self, lost: _Lost) -> None:
        """Waits a little; raises Unreachable when patience is over. A long poll that was held, and then cut, shows that somebody was there."""
        now = time.monotonic()
        held = lost.sent and not isinstance(lost.why, (TimeoutError, socket.timeout)) and now - self._began > 5
        self._since = now if self._since is None or held else self._since
        gone = now - self._since
        if gone >= self._seconds:
            raise Unreachable(f"{self._url} does not answer: {lost.why!r}") from lost.why
        time.sleep(min(2.0, 0.05 + gone / 4) * random.uniform(0.5, 1.0))
        self._began = time.monotonic()


# ---------------------------------------------------------------- the client
class Client:
    """Speaks for whom the token is of: an agent, or a person in a terminal.

    url, token: default KEYTURN_URL (http://localhost:7717) and KEYTURN_TOKEN.
    patience_s: how long without any answer, in seconds, a lost server is tried again before Unreachable.
    cafile: certificates to trust instead of the system's, for https.
    """

    def __init__(self, url: Optional[str] = None, token: Optional[str] = None, *, patience_s: float = 60.0, cafile: Optional[str] = None):
        self.url = (url or os.environ.get("KEYTURN_URL") or "http://localhost:7717").rstrip("/")
        self._token = token or os.environ.get("KEYTURN_TOKEN") or ""
        if not self._token:
            raise ValueError("no token: give one, or set KEYTURN_TOKEN (`keyturn token create --agent NAME`)")
        self.patience_s = patience_s
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{self.url!r} is no address of a server: http://HOST:PORT or https://HOST")
        self._host, self._port, self._base = parts.hostname, parts.port, parts.path
        self._tls = ssl.create_default_context(cafile=cafile) if parts.scheme == "https" else None

    def __repr__(self) -> str:
        return f"keyturn.Client({self.url!r})"  # without the token

    # ------------------------------------------------------------ asking
    def request(self, tool: str, args: Optional[Dict[str, Any]] = None, *, reason: str = "", wait_s: Optional[float] = None,
                idempotency_key: Optional[str] = None, claims: Optional[Dict[str, Any]] = None, mode: Optional[str] = None,
                operation: Optional[str] = None, resource: Optional[Dict[str, Any]] = None, traceparent: Optional[str] = None) -> Action:
        """Asks for an action and waits until it is settled: decided, and where Keyturn executes, done. A denial is an answer, too: look at `state`.

        wait_s: at most so many seconds; 0 does not wait; None waits for as long as it takes. Then the action is returned as it is.
        idempotency_key: names this wish. The same key with the same body is the same action, also in another process; made up where none is given.
            A connection that is lost meanwhile is taken up with it: never is anything asked for twice.
        operation, resource, mode: are Keyturn's own; sent, they must agree.
        Raises Refused (the agent may not ask, the arguments are not the tool's) and Unreachable.
        """
        body: Dict[str, Any] = {"tool": tool, "args": {} if args is None else args, "idempotency_key": idempotency_key or str(uuid.uuid4())}
        for name, value in (("reason", reason), ("claims", claims), ("mode", mode), ("operation", operation), ("resource", resource)):
            if value:
                body[name] = value
        headers = {"traceparent": traceparent} if traceparent else {}
        deadline = None if wait_s is None else time.monotonic() + wait_s
        action = self._call("requestAction", body=body, headers=headers, leg_s=_leg(deadline))
        return self._await(action, deadline)

    def get(self, id: str) -> Action:
        """One action, as it is."""
        return self._call("getAction", id)

    def wait(self, action: Union[Action, str], wait_s: Optional[float] = None) -> Action:
        """The action as soon as it is settled, or as it is after `wait_s` seconds (None: for as long as it takes)."""
        deadline = None if wait_s is None else time.monotonic() + wait_s
        known = self.get(action) if isinstance(action, str) else action
        return self._await(known, deadline)

    def list(self, **filters: Any) -> Iterator[Action]:
        """Actions that the caller may read, newest first, page by page as they are taken.

        Filters: state (one or several, by commas), tool, actor, q, from_ and to (RFC 3339), for_ ("me": what waits for me), limit (of a page).
        """
        query = {name.rstrip("_"): value for name, value in filters.items() if value is not None}
        while True:
            page = self._call("listActions", query=query)
            yield from page["items"]
            if page["next"] is None:
                return
            query["after"] = page["next"]

    def stream(self, id: str) -> Iterator[Event]:
        """What happens to an action, as it happens; a snapshot first; ends when the action is final.

        A lost connection is taken up again: what happened meanwhile comes as one more snapshot. Close the iterator to stop listening.
        """
        seen, patience = -1, _Patience(self.url, self.patience_s)
        while True:
            try:
                for event in self._events(id):
                    patience.answered()
                    if event.version > seen or (event.version == seen and event.name != "snapshot"):
                        seen = event.version
                        yield event
                    if is_final(event.action):
                        return
                raise _Lost(ConnectionError("the stream ended before the action did"), True)
            except _Lost as lost:
                patience.lost(lost)

    def cancel(self, id: str) -> Action:
        """Calls it back: its requester, that one's owner, an administrator. Refused with `executing` once it runs."""
        return self._call("cancelAction", id, body={}, done_before=("closed",))

    def amend(self, id: str, args: Dict[str, Any], note: str = "") -> Action:
        """Replaces it by one with other arguments, which is decided anew. Where the answer is lost (Unreachable), `amended_by` of the old one says."""
        return self._call("amendAction", id, body={"args": args, **({"note": note} if note else {})}, once=True)

    def me(self) -> Dict[str, Any]:
        """Whom the token is of."""
        return self._call("getMe")

    # ------------------------------------------------------------ for people's tokens
    def vote(self, action: Action, decision: str, note: str = "") -> Action:
        """Approves or denies exactly the case that `action` is. Policies may ask for more than a token (Refused: assurance_too_low, passkey_required)."""
        return self._call("vote", action["id"], body={"decision": decision, "digest": action["digest"], **({"note": note} if note else {})},
                          done_before=("already_voted", "closed"))

    def take_vote_back(self, id: str) -> Action:
        """While it is pending."""
        return self._call("takeVoteBack", id, done_before=("no_vote", "closed"))

    def comment(self, id: str, text: str) -> Action:
        """Says something about it, to all who may read it. Never twice: where the answer is lost (Unreachable), it may be there."""
        return self._call("comment", id, body={"text": text}, once=True)

    # ------------------------------------------------------------ grant mode: Keyturn releases, this program runs
    def consume(self, grant: str, digest: str) -> Action:
        """Uses a grant, once, as the enforcement point that the tool names. The action says what was released: run that, and only after this returned.

        An answer that is lost is not asked for again: whether the grant was used nobody can tell (ReleaseUncertain).
        """
        try:
            return self._call("consumeGrant", body={"grant": grant, "digest": digest}, once=True)
        except Unreachable as why:
            raise ReleaseUncertain(f"not run: the answer to the grant's use was lost ({why})") from why

    def report(self, id: str, outcome: str, result: Any = None) -> Action:
        """What came of a consumed grant: "succeeded" or "failed", and a result that is JSON."""
        return self._call("reportOutcome", id, body={"outcome": outcome, **({} if result is None else {"result": result})}, done_before=("closed",))

    @contextlib.contextmanager
    def released(self, tool: str, args: Optional[Dict[str, Any]] = None, *, enforcement: Optional[Client] = None, secret: Tuple[str, ...] = (),
                 **how: Any) -> Iterator[Release]:
        """The body runs once, when Keyturn released these arguments; how it ended is reported.

            with client.released("deploy", {"ref": "v1.4"}, reason="OPS-812") as release:
                release.result = deploy(**release.args)

        enforcement: the client of the enforcement point, where that is another agent than this one.
        secret: parameters that the tool declares secret; their values come from here, for Keyturn does not say them again.
        The rest is as in request(). Raises Denied, Expired, Cancelled, StillOpen (wait_s is over), ReleaseUncertain: then the body did not run.
        """
        wanted = json.loads(json.dumps({} if args is None else args))
        release = self._release(tool, wanted, enforcement or self, secret, how)
        try:
            yield release
        except BaseException as error:
            with contextlib.suppress(KeyturnError):  # what went wrong in the body is the news
                release._report("failed", {"error": f"{type(error).__name__}: {error}"[:2000]})
            raise
        release._report("succeeded", release.result)

    def guarded(self, tool: str, *, enforcement: Optional[Client] = None, secret: Tuple[str, ...] = (),
                args: Optional[Callable[..., Dict[str, Any]]] = None, **how: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A decorator: the function runs once a call, when Keyturn released exactly this call's arguments, which are the tool's by name.

        args: makes the tool's arguments of the call's, where they are not the same. Without it the function gets them as they were released: as JSON has
            them (a tuple comes as a list).
        What it returns is reported where it is JSON. The rest, and what is raised, is as in released().
        """
        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
                raise TypeError(f"{function.__name__} only begins to run when it is called; guarded() is for plain functions, released() for the rest")
            signature = inspect.signature(function)

            @functools.wraps(function)
            def run(*positional: Any, **named: Any) -> Any:
                bound = signature.bind(*positional, **named)
                bound.apply_defaults()
                wanted = args(*positional, **named) if args else dict(bound.arguments)
                with self.released(tool, wanted, enforcement=enforcement, secret=secret, **how) as release:
                    if args is None:  # as released, whatever became of the caller's own meanwhile
                        bound.arguments.update(release.args)
                    elif not _same(_as_json(args(*positional, **named)), release.args):
                        raise ReleaseUncertain(f"{release.action['id']}: the call's arguments changed while it waited: not run", release.action)
                    release.returned = function(*bound.args, **bound.kwargs)
                    release.result = _as_json(release.returned)
                return release.returned
            return run
        return decorate

    def _release(self, tool: str, wanted: Dict[str, Any], enforcement: Client, secret: Tuple[str, ...], how: Dict[str, Any]) -> Release:
        action = self.request(tool, wanted, **how)
        about = f"{tool}: {action['id']} is {action['state']}"
        if action["state"] in _NO:
            raise _NO[action["state"]](f"{about}: {'; '.join(action['verdict']['reasons'])}", action)
        if not is_settled(action):
            raise StillOpen(f"{about}; who decides: {action.get('review_url', '')}", action)
        if action["state"] != "approved":
            raise AlreadyRan(about, action)
        if action["grant"] is None:
            raise ReleaseUncertain(f"{about}, and its grant was shown before, or lost on the way: ask anew, with another idempotency key", action)
        hidden = {name: wanted[name] for name in secret if name in wanted}
        _check_same(action, tool, wanted, hidden)
        used = enforcement.consume(action["grant"], action["digest"])
        release = Release(used, enforcement, hidden)
        try:
            _check_same(used, tool, wanted, hidden)
        except ReleaseUncertain as why:
            with contextlib.suppress(KeyturnError):
                release._report("failed", {"error": str(why)})
            raise
        return release

    # ------------------------------------------------------------ HTTP
    def _await(self, action: Action, deadline: Optional[float]) -> Action:
        while not is_settled(action) and (leg := _leg(deadline)) > 0:
            # A held approval counts as settled to the server: wait for what comes after it.
            query = {"after_version": action["version"]} if action["state"] == "approved" else {}
            action = self._call("getAction", action["id"], query=query, leg_s=leg)
        return action

    def _call(self, operation: str, id: str = "", *, body: Any = None, query: Optional[Dict[str, Any]] = None, headers: Optional[Dict[str, str]] = None,
              leg_s: float = 0, once: bool = False, done_before: Tuple[str, ...] = ()) -> Any:
        """One exchange, tried again while the server is lost.

        once: not tried again after something of it may have arrived. done_before: what it is refused with when the lost first time had arrived.
        """
        method, path = OPERATIONS[operation]
        path = self._base + path.replace("{id}", urllib.parse.quote(id, safe="")) + ("?" + urllib.parse.urlencode(query) if query else "")
        given = {"Accept": "application/json", **(headers or {})}
        if leg_s >= 1:
            given["Prefer"] = f"wait={int(leg_s)}"
        patience, arrived, began = _Patience(self.url, self.patience_s), False, time.monotonic()
        while True:
            try:
                status, answer_headers, data = self._exchange(method, path, given, body, leg_s + _SLACK_SECONDS)
            except _Lost as lost:
                arrived = arrived or lost.sent
                if once and arrived:
                    raise Unreachable(f"{self.url}: the answer was lost, and {operation} may have been done: {lost.why!r}") from lost.why
                patience.lost(lost)
                continue
            if status < 300:
                return json.loads(data)
            refused = Refused(status, _problem(answer_headers, data))
            if arrived and refused.code in done_before:
                return self._call("getAction", id)
            if (refused.code == "rate_limited" or status == 503) and time.monotonic() - began < self.patience_s:
                time.sleep(_seconds(answer_headers.get("retry-after")))
                continue
            raise refused

    def _open(self, method: str, path: str, headers: Dict[str, str], body: Any, silence_s: float) -> Tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """A connection of its own; the caller closes it."""
        made: Any = http.client.HTTPConnection if self._tls is None else functools.partial(http.client.HTTPSConnection, context=self._tls)
        connection = made(self._host, self._port, timeout=_CONNECT_SECONDS)
        sent = False
        try:
            connection.connect()
            connection.sock.settimeout(silence_s)
            data = None if body is None else json.dumps(body, allow_nan=False).encode()
            given = {"Authorization": "Bearer " + self._token, **headers, **({"Content-Type": "application/json"} if data is not None else {})}
            sent = True
            connection.request(method, path, body=data, headers=given)
            return connection, connection.getresponse()
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise Unreachable(f"{self.url}: {error}") from error  # no patience makes that better
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _Lost(error, sent) from error
        except BaseException:
            connection.close()
            raise

    def _exchange(self, method: str, path: str, headers: Dict[str, str], body: Any, silence_s: float) -> Tuple[int, Dict[str, str], bytes]:
        connection, answer = self._open(method, path, headers, body, silence_s)
        try:
            return answer.status, _lower(answer), answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise _Lost(error, True) from error
        finally:
            connection.close()

    def _events(self, id: str) -> Iterator[Event]:
        """One connection's worth of an action's events."""
        method, path = OPERATIONS["streamAction"]
        path = self._base + path.replace("{id}", urllib.parse.quote(id, safe=""))
        connection, answer = self._open(method, path, {"Accept": "text/event-stream"}, None, _SLACK_SECONDS * 4)  # silence is broken by comments
        try:
            if answer.status != 200:
                refused = Refused(answer.status, _problem(_lower(answer), answer.read()))
                raise _Lost(refused, True) if answer.status == 503 else refused
            for fields in _server_sent(answer):
                yield Event(fields["event"], int(fields["id"]), json.loads(fields["data"]))
        except (OSError, http.client.HTTPException) as error:
            raise _Lost(error, True) from error
        finally:
            connection.close()


class Release:
    """What runs now. `args` are the released arguments; set `result` to what shall be reported (JSON)."""

    def __init__(self, action: Action, enforcement: Client, secrets: Dict[str, Any]):
        self.action = action
        self.args: Dict[str, Any] = _with_hidden(action, secrets)
        self.result: Any = None
        self.returned: Any = None
        self._enforcement = enforcement

    def _report(self, outcome: str, result: Any) -> None:
        try:
            self._enforcement.report(self.action["id"], outcome, result)
        except KeyturnError as why:
            raise OutcomeNotReported(self.action, self.returned if self.returned is not None else self.result, why) from why


def _with_hidden(action: Action, hidden: Dict[str, Any]) -> Dict[str, Any]:
    """The arguments; Keyturn shows null for a secret one."""
    return {name: hidden[name] if value is None and name in hidden else value for name, value in (action["args"] or {}).items()}


def _check_same(action: Action, tool: str, wanted: Dict[str, Any], hidden: Dict[str, Any]) -> None:
    if action["tool"] != tool or not _same(_with_hidden(action, hidden), wanted):
        raise ReleaseUncertain(f"{action['id']}: its arguments are not those that were asked for: not run (of a secret parameter, say `secret=`)", action)


def _leg(deadline: Optional[float]) -> float:
    """Seconds of the next long poll; below one there is none left."""
    left = LEG_SECONDS if deadline is None else min(LEG_SECONDS, deadline - time.monotonic())
    return float(int(left)) if left >= 1 else (1.0 if 0.01 < left else 0.0)


def _seconds(retry_after: Optional[str]) -> float:
    return min(30.0, float(retry_after)) if retry_after and retry_after.isdigit() else 1.0


def _lower(answer: http.client.HTTPResponse) -> Dict[str, str]:
    return {name.lower(): value for name, value in answer.getheaders()}


def _problem(headers: Dict[str, str], data: bytes) -> Dict[str, Any]:
    if headers.get("content-type", "").startswith("application/problem+json"):
        with contextlib.suppress(ValueError):
            return json.loads(data)
    return {"title": data[:200].decode(errors="replace")}  # something before Keyturn spoke


def _as_json(value: Any) -> Any:
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return None


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _server_sent(lines: Iterator[bytes]) -> Iterator[Dict[str, str]]:
    """Events of a text/event-stream (WHATWG HTML §9.2.6) that are whole and have data."""
    fields: Dict[str, str] = {}
    for raw in lines:
        line = raw.decode().rstrip("\r\n")
        if not line:
            if "data" in fields:
                yield fields
            fields = {}
            continue
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        fields[name] = fields["data"] + "\n" + value if name == "data" and "data" in fields else value
