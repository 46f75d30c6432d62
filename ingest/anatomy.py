"""What words and codes in a header say about body part and projection, in several languages.

Words are compared folded (`values.fold`): upper case, without accents. Codes are those of CID 4009
and 4010 (PS3.16), as SNOMED CT concepts and as the older SNOMED RT values that most devices write.
"""

import re

CHEST = re.compile(
    r"CHEST|THORA[XK](?!.{0,3}WIRBEL)|TORAX|TORACE|TORAKS|\bLUNG(?:S|E|EN)?\b|\bLUNGEN|"
    r"PULMO|POUMON|\bCXR\b|\bTHX\b|\bKLP\b|KLATK. PIERS|HRUDNIK|BRYSTKASSE|BROSTKORG|"
    r"MELLKAS|AKCIGER|GOGUS|ГРУДН|\bОГК\b|ЛЕГКИ|ФЛЮОРОГ|ΘΩΡΑΚ|ΠΝΕΥΜΟΝ|胸|肺|흉부|صدر"
)
# Films that show more than the chest, but the whole of it.
_TRUNK = re.compile(r"BABYGRAM|BABIGRAM|\bTRUNK\b|\bTORSO\b|CHEST ?ABD|ABDOM\w* ?(?:AND|&) ?CHEST")
ELSEWHERE = re.compile(
    r"TEETH|TOOTH|DENTAL|PANORAM|ORTHOPANT|\bOPG\b|SKULL|HEAD|BRAIN|SINUS|MANDIB|SPINE|"
    r"CERVICAL|LUMBAR|SACR|PELVI|\bHIPS?\b|ABDOM|\bKUB\b|KNEE|FEMUR|TIBIA|ANKLE|FOOT|FEET|"
    r"\bTOES?\b|CALCAN|SHOULDER|CLAVIC|HUMERUS|ELBOW|FOREARM|WRIST|\bHANDS?\b|FINGER|THUMB|"
    r"EXTREMIT|BREAST|MAMMO|\bRIBS?\b|STERNUM|\bNECK\b|"
    r"SCHADEL|WIRBELS|\b[BHL]WS\b|\bRIPPE|SCHULTER|ELLENBOG|HANDGELENK|HUFT|BECKEN|\bKNIE|"
    r"SPRUNGGEL|\bFUSS|ZAHNE|CRANE|RACHIS|EPAULE|COUDE\b|POIGNET|\bHANCHE|BASSIN|GENOU|"
    r"CHEVILLE|\bPIED|CRANEO|COLUMNA|HOMBRO|\bCODO\b|MUNECA|CADERA|RODILLA|TOBILLO|\bMANO\b|"
    r"CRANIO|COLONNA|SPALLA|GOMITO|POLSO|BACINO|GINOCCHIO|CAVIGLIA|"
    r"ЧЕРЕП|ПОЗВОНОЧ|ПЛЕЧ|КИСТ|ТАЗОБЕДР|КОЛЕН|СТОП[АЫ]|БРЮШН|腹|頭|膝|骨盤|椎"
)
# fmt: off
_SAYS_NOTHING = frozenset([
    "UNKNOWN", "OTHER", "NONE", "UNDEFINED", "UNSPECIFIED", "NOT SPECIFIED", "NA", "N/A",
    "N.A.", "NULL", "XX", "XXX", "GENERAL", "DEFAULT", "STANDARD", "MISC", "BODY", "ANY",
    "XRAY", "X-RAY", "CR", "DX", "OT",
])
# fmt: on
_TWO_LETTERS = re.compile(r"[^\W\d_]{2}|[\u3040-\u9fff\uac00-\ud7a3]")

LATERAL_WORDS = re.compile(
    r"\bLAT(?:ERAL(?:E|IS)?|ERO)?\b|SEITLICH|\bPROFIL\b|\bPERFIL\b|\bLL\b|БОКОВ|側面|"
    r"\bOBLI(?:QUE|CUA|QUA)?\b|SCHRAG"
)
DECUBITUS_WORDS = re.compile(r"\bDECUB")
FRONTAL_WORDS = re.compile(
    r"\b(?:PA|AP|P\.A\.?|A\.P\.?|FRONTALE?|FACE|FRENTE)\b|POSTERO.?ANT|"
    r"ANTERO.?POST|ПРЯМ|ФРОНТАЛЬ|正面"
)

# fmt: off
_CHEST_CODES = frozenset([
    "51185008", "T-D3000", "816094009", "302551006", "39607008", "T-28000", "43799004",
    "T-D3200", "86598002", "T-280A0",
])
_TRUNK_CODES = frozenset([
    "416550000", "R-FAB55", "416775004", "R-FAB56", "417437006", "R-FAB52", "416152001",
    "R-FAB53", "416319003", "R-FAB54",
])
_ELSEWHERE_CODES = frozenset([
    "818981001", "T-D4000", "113345001", "816092008", "T-D6000", "12921003", "818982008",
    "69536005", "T-D1100", "89546000", "T-11100", "774007", "T-D1000", "45048000", "T-D1600",
    "122494005", "T-11501", "122495006", "T-11502", "122496007", "T-11503", "421060004",
    "T-D04FF", "16982005", "T-D2220", "51299004", "T-12310", "79601000", "T-12280", "113197003",
    "T-11300", "56873002", "T-11210", "85050009", "T-12410", "16953009", "T-15430", "14975008",
    "T-D8500", "74670003", "T-15460", "85562004", "T-D8700", "7569003", "T-D8800", "76505004",
    "T-D8810", "29836001", "T-D2500", "24136001", "T-15710", "71341001", "T-12710", "72696002",
    "T-D9200", "30021000", "T-D9400", "70258002", "T-15750", "56459004", "T-D9700", "29707007",
    "T-D9800", "80144004", "T-12770", "76752008", "T-04000", "66019005", "T-D0300", "661005",
    "T-D1213",
])
_FRONTAL_CODES = {
    "399348003": "AP",
    "R-10206": "AP",
    "272479007": "PA",
    "R-10214": "PA",
    "R-40888": "PA",
}
_NOT_FRONTAL_CODES = frozenset([
    "399067008", "R-10228", "R-102CD", "399198007", "R-10232", "399173006", "R-10236",
    "399352003", "399260004", "R-10224", "30730003", "G-A145", "399182000", "R-102C1",
    "260427002", "R-40783", "260426006", "R-40782", "399236003", "R-10234", "399184004",
    "R-10238", "399135007", "R-10220", "399356000", "R-40985", "R-10218", "399038007",
    "R-10210", "399006002", "R-10212", "399312000", "R-10208", "399059000", "R-10216",
    "399160007", "R-10204", "399061009", "R-10241", "399110001", "R-102C2",
])
# fmt: on


def says_nothing(part: str) -> bool:
    """Whether a folded BodyPartExamined names no part at all."""
    return part in _SAYS_NOTHING or not _TWO_LETTERS.search(part)


def is_chest(told: str) -> bool:
    """Whether folded words name the chest, alone or with more."""
    return bool(CHEST.search(told) or _TRUNK.search(told))


def is_more(told: str) -> bool:
    """Whether folded words name another part of the body, alone or with the chest."""
    return bool(ELSEWHERE.search(told) or _TRUNK.search(told))


def part_of_code(code: str) -> str:
    """A word for a code of an anatomic region; "" for one that is not known here."""
    if code in _TRUNK_CODES:
        return "TRUNK"
    if code in _CHEST_CODES:
        return "CHEST"
    return "EXTREMITY" if code in _ELSEWHERE_CODES else ""


def view_of_code(code: str) -> str | None:
    """PA, AP or LATERAL (any projection that is not frontal); None for what is not known."""
    return "LATERAL" if code in _NOT_FRONTAL_CODES else _FRONTAL_CODES.get(code)
