"""The HTML report: made here, put into pytest-html's file by the plugin."""

from nethygiene.report.html.page import page_title, report_html

__all__ = ["page_title", "report_html"]
