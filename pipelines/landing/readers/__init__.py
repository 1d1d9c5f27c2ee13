"""Delivered files of any format as frames of text, numbers and dates, read within bounds in a process of their own.

What is in a file is judged by contracts; here a file is readable or it is not.
"""
