"""From the Markdown of a document to HTML.  Pure.

Documents are written in CommonMark with tables.  Of HTML within them only ``<a id="name"></a>`` is
let through; in a heading it is the anchor of that, as translations have those of the English ones.
All else, as comments, is left out.  Links lead to other documents in the console; what lies beside
the documents is named.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from django.utils.html import escape
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from config.documents import slug

ANCHOR: Final = re.compile(r'<a id="([\w-]+)">')
# as in https://
ELSEWHERE: Final = re.compile(r"[a-z][a-z0-9+.-]*:")
PICTURES: Final = "images/"


class Heading(NamedTuple):
    """A heading of the second rank, for the table of contents."""

    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A document as HTML; ``title`` is its first heading, which is not in ``html``."""

    title: str
    html: str
    headings: Sequence[Heading]
    anchors: Collection[str]
    # what its links lead to: documents with a section, files beside the documents, pictures
    targets: Collection[str]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where documents and pictures are in the console, and which documents there are."""

    names: Collection[str]
    of_document: Callable[[str], str]
    of_picture: Callable[[str], str]


def rendered(name: str, text: str, addresses: Addresses) -> Rendered:
    """Render the document ``name``; the text is without its head."""
    tokens = _parser().parse(text)
    found = _Walk(name, addresses)
    title = found.walk(tokens)
    html = _Renderer().render(found.kept, _parser().options, {})
    return Rendered(title, html, found.headings, frozenset(found.anchors), frozenset(found.targets))


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable("table")


class _Walk:
    """Goes over the tokens of one document once, and changes them in place."""

    def __init__(self, name: str, addresses: Addresses) -> None:
        self.kept: list[Token] = []
        self.headings: list[Heading] = []
        self.anchors: set[str] = set()
        self.targets: set[str] = set()
        self._slugs: Counter[str] = Counter()
        self._folder = posixpath.dirname(name)
        self._addresses = addresses

    def walk(self, tokens: Sequence[Token]) -> str:
        """Take the tokens over; return the text of the first heading."""
        title = ""
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token.type == "heading_open":
                text = _text(tokens[at + 1])
                anchor = self._named(tokens[at + 1]) or self._slug(text)
                if token.tag == "h1" and not title:
                    title, at = text, at + 3
                    continue
                token.attrSet("id", anchor)
                if token.tag == "h2":
                    self.headings.append(Heading(anchor, text))
            elif token.type == "html_block":
                self._name_anchors(token)
            for child in token.children or ():
                self._inline(child)
            self.kept.append(token)
            at += 1
        return title

    def _named(self, inline: Token) -> str:
        """Return the anchor that a heading names itself, and take it out of there."""
        children = inline.children or []
        found = [ANCHOR.match(each.content) for each in children if each.type == "html_inline"]
        inline.children = [each for each in children if each.type != "html_inline"]
        names = [each[1] for each in found if each]
        self.anchors.update(names)
        return names[0] if names else ""

    def _slug(self, text: str) -> str:
        """Return the anchor of a heading; each has one of its own."""
        first = slug(text)
        same = self._slugs[first]
        self._slugs[first] += 1
        anchor = f"{first}-{same}" if same else first
        self.anchors.add(anchor)
        return anchor

    def _name_anchors(self, token: Token) -> None:
        self.anchors.update(ANCHOR.findall(token.content))

    def _inline(self, token: Token) -> None:
        if token.type == "html_inline":
            self._name_anchors(token)
        elif token.type == "link_open":
            self._link(token)
        elif token.type == "image":
            self._picture(token)

    def _link(self, token: Token) -> None:
        target = str(token.attrGet("href"))
        if ELSEWHERE.match(target):
            token.attrSet("rel", "noreferrer")
            return
        path, _, section = target.partition("#")
        whole = self._whole(path)
        document = whole.removesuffix(".md") if path else ""
        self.targets.add(f"{whole}#{section}" if section else whole)
        if path and document not in self._addresses.names:
            document = posixpath.join(whole, "README")
        if not path:
            token.attrSet("href", f"#{section}")
        elif document in self._addresses.names:
            address = self._addresses.of_document(document)
            token.attrSet("href", f"{address}#{section}" if section else address)
        else:
            # a file of the installation: it is named, and not served
            del token.attrs["href"]
            token.attrSet("title", posixpath.normpath(posixpath.join("docs", whole)))

    def _picture(self, token: Token) -> None:
        whole = self._whole(str(token.attrGet("src")))
        self.targets.add(whole)
        token.attrSet("src", self._addresses.of_picture(whole.removeprefix(PICTURES)))
        token.attrSet("loading", "lazy")

    def _whole(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._folder, path)) if path else ""


def _text(inline: Token) -> str:
    kinds = ("text", "code_inline")
    return "".join(each.content for each in inline.children or () if each.type in kinds)


class _Renderer(RendererHTML):
    """HTML in which what is wide can be scrolled, with the keyboard as well."""

    def html_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Let anchors through, and nothing else."""
        return "".join(f'<a id="{name}"></a>' for name in ANCHOR.findall(tokens[idx].content))

    html_inline = html_block

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Render a block of code."""
        return f'<pre tabindex="0"><code>{escape(tokens[idx].content)}</code></pre>\n'

    code_block = fence

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Open a table in a region that scrolls; it is called by its first line."""
        heads = [_text(tokens[at + 1]) for at in _heads(tokens, idx)]
        name = escape(", ".join(filter(None, heads)))
        return f'<div class="scroll" tabindex="0" role="region" aria-label="{name}"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Close it."""
        return "</table></div>\n"


def _heads(tokens: Sequence[Token], idx: int) -> list[int]:
    end = next(at for at in range(idx, len(tokens)) if tokens[at].type == "thead_close")
    return [at for at in range(idx, end) if tokens[at].type == "th_open"]
