"""The portal's pages, piece by piece: a whole one need not fit into the heap at once."""

import binascii
import sys

import setup

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:0 auto;padding:1rem;color:#1a1a1a;"
    "background:#fff}h1{font-size:1.5rem}fieldset{border:1px solid #767676;border-radius:.5rem}"
    "form,fieldset{margin:1rem 0}legend{font-weight:600}label{display:block;padding:.6rem 0;"
    "overflow-wrap:anywhere}"
    "input,textarea,button{font:inherit;border:1px solid #555;border-radius:.4rem;padding:.6rem}"
    "input,textarea{width:100%;box-sizing:border-box}input[type=radio]{width:1.3rem;height:1.3rem;"
    "vertical-align:middle;margin-right:.6rem}button{min-height:3rem;color:#0b4a6f;background:#fff}"
    ".main{background:#0b4a6f;color:#fff;width:100%}[role]{border:2px solid #0b4a6f;border-radius:.5rem;"
    "padding:0 1rem}[role=alert]{border-color:#a4262c}small{color:#4a4a4a}table{border-collapse:collapse}"
    "th,td{text-align:left;vertical-align:top;padding:.4rem;border-bottom:1px solid #ccc}"
    ".bad{color:#a4262c;font-weight:600}:focus-visible{outline:3px solid #b36b00;outline-offset:2px}"
)


def escape(text):
    """Text as it may stand in HTML, in attributes too. Control characters become a mark."""
    for letter, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        text = text.replace(letter, name)
    if any(letter < " " or letter == "\x7f" for letter in text):
        text = "".join([letter if letter >= " " and letter != "\x7f" else "\ufffd" for letter in text])
    return text


def _name(text):
    return "<bdi>" + escape(text) + "</bdi>"


def words_of(lang):
    """{name: sentence} in a language. Its module is let go of: the words stay as long as the page is sent."""
    if lang == "pl":
        from setup.words_pl import WORDS

        delattr(setup, "words_pl")
        del sys.modules["setup.words_pl"]
    else:
        from setup.words_en import WORDS

        delattr(setup, "words_en")
        del sys.modules["setup.words_en"]
    return WORDS


def page(session, lang):
    """Pieces of the page that the session's state asks for."""
    say = words_of(lang)
    if session.app.setup == 2:
        title, refresh, body = say["test_title"], 0 if session.results else 4, _test
    elif session.saved:
        title, refresh, body = say["kept_title" if session.kept else "saved_title"], 20, _saved
    elif session.step:
        title, refresh, body = say["trying"], 2, _trying
    else:
        title, refresh, body = say["failed_title" if session.why else "title"], 0, _form
    yield f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    if refresh:
        yield f'<meta http-equiv="refresh" content="{refresh};url=/?lang={lang}">'
    other = "en" if lang == "pl" else "pl"
    yield f"<title>{title} - {escape(session.name)}</title><style>"
    yield _STYLE
    yield f'</style></head><body><p><a href="/?lang={other}" lang="{other}" hreflang="{other}">'
    yield f"{say['other_language']}</a></p><main><h1>{title}</h1>"
    yield from body(session, lang, say)
    yield f"<p><small>{_name(session.name)}</small></p></main></body></html>"


def _begin(session, lang, path):
    return (
        f'<form method="post" action="{path}?lang={lang}" autocomplete="off" accept-charset="utf-8">'
        f'<input type="hidden" name="token" value="{session.token}">'
    )


def _button(session, lang, path, text, main=""):
    return f"{_begin(session, lang, path)}<button{main}>{text}</button></form>"


def _form(session, lang, say):
    if session.why:
        yield from _why(session, lang, say)
    else:
        yield f"<p>{say['measuring']}</p>"
    yield _button(session, lang, "/look", say["look_again"])
    yield _begin(session, lang, "/try")
    yield f"<fieldset><legend>{say['step_network']}</legend>"
    if not session.networks:
        yield f"<p>{say['none_found']}</p>"
    found = False
    for one in session.networks[:30]:
        ssid, rssi = one["ssid"], one["rssi"]
        strength = "strong" if rssi >= -60 else "good" if rssi >= -70 else "weak"
        if rssi < -80:
            strength = "too_weak"
        mark = ssid == session.ssid
        found = found or mark
        yield (
            f'<label><input type="radio" name="net" value="{binascii.hexlify(ssid.encode()).decode()}"'
            f"{' checked' if mark else ''}>{_name(ssid)} <small>{say[strength]} ({rssi} dBm), "
            f"{say['open' if one['open'] else 'locked']}</small></label>"
        )
    typed = session.ssid is not None and not found
    yield f'<label><input type="radio" name="net" value="other"{" checked" if typed else ""}>{say["other"]}'
    yield f'</label><input type="text" name="other" aria-label="{say["other"]}" autocapitalize="none" '
    yield f'spellcheck="false" value="{escape(session.ssid) if typed else ""}">'
    known = session.password or session.stored.get("wifi")
    yield f'<label for="p">{say["password"]}</label>'
    yield (
        '<input id="p" type="password" name="password" autocomplete="off" autocapitalize="none" '
        'spellcheck="false" aria-describedby="h">'
    )
    yield f'<p id="h"><small>{say["password_kept" if known else "password_hint"]} {say["only_24"]}'
    yield f"</small></p></fieldset><fieldset><legend>{say['step_code']}</legend>"
    have = session.kit or session.stored
    if session.kit or session.app.config.broker["host"]:
        yield f'<label for="c">{say["code_have"] % escape(str(have.get("node")))}</label>'
    else:
        yield f'<label for="c">{say["code_hint"]}</label>'
    yield '<textarea id="c" name="code" rows="3" autocapitalize="none" spellcheck="false"></textarea>'
    yield "</fieldset>"
    yield f'<button class="main">{say["connect"]}</button></form>'


def _why(session, lang, say):
    why, notes = session.why, session.notes
    if why == "wrong_password" and _rssi(session) < -75:
        why += "_weak"
    sentence = say["why_" + why]
    if "%s" in sentence:
        sentence = sentence % _name(str(notes.get("broker") if why == "no_broker" else session.ssid))
    yield f'<div role="alert"><p>{sentence}</p>'
    if "detail" in notes:
        yield f'<p lang="en"><small>{escape(str(notes["detail"]))}</small></p>'
    yield "</div>"
    if why == "no_broker":
        yield _button(session, lang, "/keep", say["keep"])


def _rssi(session):
    """Of the network that was tried, in dBm; a strong one when it is not known."""
    for one in session.networks:
        if one["ssid"] == session.ssid:
            return one["rssi"]
    return session.notes.get("rssi", 0)


def _trying(session, lang, say):
    # Pieces are sent while the try goes on: it may be over by now.
    step = session.step or "save"
    sentence = say[step]
    if "%s" in sentence:
        sentence = sentence % _name(str(session.notes.get(step) or session.ssid))
    yield f'<div role="status"><p>{sentence}</p></div>'
    yield f"<p>{say['wait'] % (_name(session.name), session.at)}</p>"
    yield f'<p><a href="/?lang={lang}">{say["refresh"]}</a></p>'


def _saved(session, lang, say):
    yield f'<div role="status"><p>{say["done"]}</p></div>'
    yield f"<p>{say['saved_rejoin'] % (_name(session.name), session.at)}</p>"
    if session.kit and session.kit.get("portal"):
        yield f"<p>{say['next_time'] % _name(('Dustline-' + session.kit['node'])[:32])}</p>"


def _test(session, lang, say):
    results = session.results
    if not results:
        yield f'<div role="status"><p>{say["test_wait"]}</p></div>'
        return
    bad = sum([one["ok"] is False for one in results])
    yield '<div role="status"><p>'
    yield say["test_bad"] % bad if bad else say["test_well"] % _name(session.name)
    yield f"</p></div><table><tr><th scope=col>{say['part']}</th><th scope=col>{say['state']}</th></tr>"
    for one in results:
        part = one["part"]
        word = say.get("server" if part == "broker" else part) or say["sensor"] + " " + part[7:]
        mark = "unknown" if one["ok"] is None else "ok" if one["ok"] else "bad"
        yield f'<tr><th scope=row>{escape(word)}</th><td><span class="{mark}">{say[mark]}</span>. '
        yield escape(one[lang])
        yield "</td></tr>"
    yield "</table>"
    yield _button(session, lang, "/test", say["test_again"], ' class="main"')
    yield _button(session, lang, "/change", say["change"])
