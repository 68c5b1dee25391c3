"""A file with things to find: some a matter of taste, some of security."""

import hashlib
import os
import pickle
import subprocess

PASSWORD = "hunter2"


def run(command, log=[]):
    log.append(command)
    try:
        return subprocess.run(command, shell=True, capture_output=True)
    except:
        return None


def load(path):
    with open(path, "rb") as file:
        return pickle.load(file)


def checksum(data):
    if data == None:
        return ""
    return hashlib.md5(data).hexdigest()


def calculate(expression):
    # The word eval( in a comment or in "eval(" a string is no finding; the next line is.
    return eval(expression)
