"""Credentials: the store behind AT%CMNG, AT#XCMNG and the certificates of the Ameba."""
