"""Where `radstream import` finds files: folders, single files, ZIP archives, DICOMDIR media. Nothing is extracted.

What is read here may be hostile: names in archives and DICOMDIRs never lead out of the folder that was named, nothing
but regular files is opened, and an archive that expands beyond measure is left alone.
"""
