"""What the page's addresses do. Whoever asks has the password of the node's own network; what a page of a
stranger makes their browser send is told by the token, which only our pages have."""

from setup import core, pages
from setup.http import RefusedError


def handle(session, request):
    """(HTTP number, place to go to or None, pieces of the page). Raises RefusedError."""
    host = request.headers.get("host", "")
    if host != session.at:
        # The probes of phones and laptops, and any other name: all lead here, which opens the sign-in sheet.
        return 302, f"http://{session.at}/", ()
    session.seen = session.app.now()
    lang = request.query.get("lang")
    if lang not in ("en", "pl"):
        lang = language(request.headers.get("accept-language", ""))
    here = "?lang=" + lang
    post = request.method == "POST"
    if post:
        if request.form.get("token") != session.token:
            raise RefusedError(403)
        if session.app.setup == 2:
            return _after(session, request, here)
        if session.step or session.saved:
            return 303, "/" + here, ()
        if request.path == "/look":
            session.look()
        elif request.path == "/try":
            session.why = _take(session, request.form)
            if not session.why:
                session.begin()
        elif request.path == "/keep" and session.why == "no_broker":
            session.begin(True)
        else:
            raise RefusedError(404)
        return 303, "/" + here, ()
    if request.path != "/":
        raise RefusedError(404)
    if session.saved:
        session.shown = True
    return 200, None, pages.page(session, lang)


def _after(session, request, here):
    """Beside the running node."""
    if request.path == "/test":
        if session.results:
            session.results = None
            session.testing = True
    elif request.path == "/change":
        session.app.board.nvs_set("setup", 1)
        session.seen = -1 << 29  # nothing is shown any longer
    else:
        raise RefusedError(404)
    return 303, "/" + here, ()


def language(header):
    """ "pl" or "en", whichever an Accept-Language header names first by its weights."""
    best, weight = "en", 0.0
    for part in header.lower().split(","):
        tag, _, rest = part.strip().partition(";")
        if tag[:2] in ("pl", "en") and tag[2:3] in ("", "-"):
            try:
                q = float(rest.strip()[2:]) if rest else 1.0
            except ValueError:
                q = 0.0
            if q > weight:
                best, weight = tag[:2], q
    return best


def _take(session, form):
    """Take what was typed into the session. None, or why it cannot be tried."""
    try:
        chosen = form.get("net") or "other"
        ssid = form.get("other", "") if chosen == "other" else str(bytes.fromhex(chosen), "utf-8")
    except (ValueError, UnicodeError):
        ssid = ""
    password = form.get("password", "")
    if not password:
        password = _known(session, ssid)
    wrong = core.check_wifi(ssid, password)
    if wrong:
        return wrong
    text = form.get("code", "").strip()
    if text:
        kit, wrong = core.check_code(text)
        if wrong:
            return "code_" + wrong
        session.kit = kit
    session.ssid, session.password = ssid, password
    if not session.kit and not _has_code(session.stored):
        return "no_code"
    return None


def _known(session, ssid):
    """The password that was typed before or is stored for a network, "" when there is none."""
    for one in session.networks:
        if one["ssid"] == ssid and one["open"]:
            return ""
    if ssid == session.ssid:
        return session.password
    stored = session.stored.get("wifi")
    for one in stored if isinstance(stored, list) else ():
        if isinstance(one, dict) and one.get("ssid") == ssid:
            return one.get("password") or ""
    return ""


def _has_code(stored):
    return core.is_whole(dict(stored, wifi=True))
