"""Markdown as HTML: anchors, links, what is left out."""

from __future__ import annotations

from pktmask_site.help.rendering import Addresses, Heading, Rendered, rendered

ADDRESSES = Addresses(
    ("a", "deep/b", "deep/README"), lambda name: f"/help/{name}/", lambda name: f"/pictures/{name}"
)


def of(text: str, name: str = "a") -> Rendered:
    return rendered(name, text, ADDRESSES)


def test_the_first_heading_is_the_title_and_no_part_of_the_text() -> None:
    found = of("# The `a`\n\nText.\n\n# Another\n")
    assert found.title == "The a"
    assert found.html == '<p>Text.</p>\n<h1 id="another">Another</h1>\n'
    assert found.headings == []


def test_headings_have_the_anchors_that_github_gives_them() -> None:
    found = of("## Dead-man's switch: 10, 100\n\n## `a_b`\n\n### Twice\n\n### Twice\n")
    assert found.anchors == {"dead-mans-switch-10-100", "a_b", "twice", "twice-1"}
    assert found.headings == [
        Heading("dead-mans-switch-10-100", "Dead-man's switch: 10, 100"),
        Heading("a_b", "a_b"),
    ]
    assert '<h3 id="twice-1">Twice</h3>' in found.html


def test_a_translation_names_the_anchors_of_the_english_headings() -> None:
    found = of('## <a id="daily-work"></a>日常工作\n\nText <a id="within"></a>here.\n')
    assert found.anchors == {"daily-work", "within"}
    assert found.headings == [Heading("daily-work", "日常工作")]
    assert found.html == (
        '<h2 id="daily-work">日常工作</h2>\n<p>Text <a id="within"></a>here.</p>\n'
    )


def test_an_anchor_may_stand_alone() -> None:
    found = of('<a id="here">\n\nText.\n')
    assert found.anchors == {"here"}
    assert found.html == '<a id="here"></a><p>Text.</p>\n'


def test_no_other_html_is_let_through() -> None:
    found = of("<!-- a mark -->\n\n<script>alert(1)</script>\n\nA <b onclick=x>word</b>.\n\n1 < 2")
    assert found.html == "<p>A word.</p>\n<p>1 &lt; 2</p>\n"


def test_links_lead_to_documents_to_sections_and_elsewhere() -> None:
    found = of("[b](b.md#x) [a](../a.md) [all](./) [here](#y) [out](https://e.example/)", "deep/b")
    assert 'href="/help/deep/b/#x"' in found.html
    assert 'href="/help/a/"' in found.html
    assert 'href="/help/deep/README/"' in found.html
    assert 'href="#y"' in found.html
    assert '<a href="https://e.example/" rel="noreferrer">' in found.html
    assert found.targets == {"deep/b.md#x", "a.md", "deep", "#y"}


def test_a_file_beside_the_documents_is_named_and_not_linked() -> None:
    found = of("[the proxy](../config/nginx.conf)")
    assert found.html == '<p><a title="config/nginx.conf">the proxy</a></p>\n'
    assert found.targets == {"../config/nginx.conf"}


def test_pictures_come_from_the_console() -> None:
    found = of("![cost](images/cost.svg)")
    assert '<img src="/pictures/cost.svg" alt="cost" loading="lazy"' in found.html
    assert found.targets == {"images/cost.svg"}


def test_what_is_wide_scrolls_with_the_keyboard_and_is_called_something() -> None:
    found = of("| a & b | |\n| --- | --- |\n| 1 | 2 |\n\n```sh\necho '<b>'\n```\n\n    indented\n")
    region = '<div class="scroll" tabindex="0" role="region" aria-label="a &amp; b"><table>'
    assert region in found.html
    assert "</table></div>" in found.html
    assert '<pre tabindex="0"><code>echo &#x27;&lt;b&gt;&#x27;\n</code></pre>' in found.html
    assert '<pre tabindex="0"><code>indented\n</code></pre>' in found.html
