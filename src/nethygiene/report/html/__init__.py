"""The HTML report; the plugin puts it into pytest-html's file."""

from nethygiene.report.html.page import page_title, report_html

__all__ = ["page_title", "report_html"]
