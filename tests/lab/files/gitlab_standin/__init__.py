"""A stand-in of GitLab: what runners and the tools around them need of its API, and how it answers when it refuses.

Standard library of Python 3.9 only; it runs in a container of the lab (`python3 -m gitlab_standin`) and inside the
process of unit tests. The first segment of a path is an instance of its own, as GitLab behind a relative URL root, so
that tests side by side do not meet: https://ADDRESS/SPACE/api/v4/...
"""
