"""The DICOM elements that ingest may look at. Nothing else is read out of a file."""

# fmt: off
HEADER = (
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality", "PresentationIntentType",
    "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientAge", "PatientSex",
    "StudyDate", "StudyTime", "SeriesDate", "SeriesTime",
    "AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime",
    "ContentDate", "ContentTime", "TimezoneOffsetFromUTC",
    "BodyPartExamined", "AnatomicRegionSequence",
    "BurnedInAnnotation", "RecognizableVisualFeatures",
    "ViewPosition", "ViewCodeSequence", "PatientOrientation",
    # free text: looked at for body part and view, never copied
    "SeriesDescription", "StudyDescription", "ProtocolName",
    "AcquisitionDeviceProcessingDescription",
    "PerformedProcedureStepDescription", "RequestedProcedureDescription",
)
PIXELS = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "NumberOfFrames",
    "PixelPaddingValue", "PixelPaddingRangeLimit",
    "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence",
    "VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction",
    "RedPaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableData",
    "PixelData", "FloatPixelData", "DoubleFloatPixelData",
)
# fmt: on
