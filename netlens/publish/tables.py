"""Make the tables that pandas writes readable by everyone: scopes, a caption, a frame that scrolls on a narrow screen."""

import re

from lxml import etree, html
from markdown_it import MarkdownIt

NUMBER = re.compile(r"[-+\u2212]?[\d.,\u00a0 ]*\d(?:e[-+]?\d+)?(?:\s?%)?", re.IGNORECASE)
DRESS = ("border", "style", "class")


def accessible_table(source: str, caption: str = "") -> str:
    """Give each table of `source` header scopes and `caption` (Markdown), without pandas' own looks.

    Returns
    -------
    The tables, each in a frame that scrolls by itself and can be reached with the keyboard. What stood around them is kept.
    """
    root = html.fragment_fromstring(source, create_parent="div")
    for style in root.findall(".//style"):
        style.drop_tree()
    for table in root.findall(".//table"):
        _dress(table)
        if caption and table.find("caption") is None:
            table.insert(0, html.fragment_fromstring(MarkdownIt().renderInline(caption), create_parent="caption"))
        _frame(table, caption)
    return "".join(etree.tostring(child, encoding="unicode", method="html", with_tail=True) for child in root)


def _dress(table: html.HtmlElement) -> None:
    for element in table.iter("table", "thead", "tbody", "tr", "th", "td"):
        for attribute in DRESS:
            element.attrib.pop(attribute, None)
    for header in table.findall("./thead//th"):
        header.set("scope", "colgroup" if int(header.get("colspan", 1)) > 1 else "col")
    for header in table.findall("./tbody//th"):
        header.set("scope", "rowgroup" if int(header.get("rowspan", 1)) > 1 else "row")
    _merge_headers(table)
    _align_numbers(table)
    for empty in table.xpath("./thead//th[not(normalize-space())]"):  # a header cell without a name is no header
        empty.tag = "td"
        empty.attrib.pop("scope", None)


def _merge_headers(table: html.HtmlElement) -> None:
    """Put the names of the index beside those of the columns: pandas gives them a row of their own."""
    header = table.findall("./thead/tr")
    if len(header) != 2 or len(header[0]) != len(header[1]):
        return
    words = [[cell.text_content().strip() for cell in row] for row in header]
    if all(not (above and below) for above, below in zip(*words, strict=True)):
        for above, below in zip(list(header[0]), list(header[1]), strict=True):
            if below.text_content().strip():
                header[0].replace(above, below)
        header[1].drop_tree()


def _align_numbers(table: html.HtmlElement) -> None:
    """Mark the columns that hold nothing but numbers; tables with spanning cells stay as they are."""
    header, rows = table.findall("./thead/tr"), table.findall("./tbody/tr")
    if not rows or len({len(row) for row in [*header, *rows]}) != 1:
        return
    for position in range(len(rows[0])):
        column = [row[position] for row in rows]
        if all(cell.tag == "td" and NUMBER.fullmatch(cell.text_content().strip()) for cell in column):
            for cell in [*column, *(row[position] for row in header)]:
                cell.set("class", "number")


def _frame(table: html.HtmlElement, caption: str) -> None:
    words = " ".join(table.find("caption").text_content().split()) if table.find("caption") is not None else caption
    frame = html.Element("div", {"class": "table-frame", "role": "region", "tabindex": "0", "aria-label": words or "Table"})
    parent, tail = table.getparent(), table.tail
    parent.replace(table, frame)
    table.tail, frame.tail = None, tail
    frame.append(table)
