"""CSV files are read in blocks; wrong cells are named as in a spreadsheet."""

import csv

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from stepbox.data.readers.csv import LONGEST_LINE, read_csv
from stepbox.data.readers.part import Limits
from stepbox.errors import InvalidInputError

TABLE = "a,b,label\n1,2,x\n3,4,y\n"


def read(folder, content, limits=None, **options):
    path = folder / "upload"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv(path, folder, limits or Limits(), **options)


def as_csv(path, names, rows, labels, delimiter=","):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow([*names, "label"])
        writer.writerows([*row, label] for row, label in zip(rows, labels, strict=True))


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_of_numbers(tmp_path, load, delimiter):
    table = load()
    labels = table.target_names[table.target]
    as_csv(tmp_path / "upload", table.feature_names, table.data.tolist(), labels, delimiter)

    (part,) = read_csv(tmp_path / "upload", tmp_path, Limits())

    assert part.split is None
    assert isinstance(part.samples, np.memmap)
    assert part.samples.dtype == np.float64
    np.testing.assert_array_equal(part.samples, table.data)
    assert part.columns == tuple(table.feature_names)
    assert part.labels.dtype == object
    assert part.labels.tolist() == labels.tolist()


@pytest.mark.parametrize(
    "names",
    [
        [f"pixel{i}" for i in range(64)],
        [f"pixel{i}" for i in range(1, 65)],
        [f"{row}x{column}" for row in range(1, 9) for column in range(1, 9)],
    ],
)
def test_columns_named_like_pixels_are_images(tmp_path, names):
    digits = load_digits()
    as_csv(tmp_path / "upload", names, digits.data.astype(int).tolist(), digits.target)

    (part,) = read_csv(tmp_path / "upload", tmp_path, Limits())

    assert part.samples.dtype == np.uint8
    np.testing.assert_array_equal(part.samples, digits.images)
    assert part.labels.dtype == np.int64
    np.testing.assert_array_equal(part.labels, digits.target)
    assert part.columns is None


@pytest.mark.parametrize(
    "content",
    [
        TABLE,
        b"\xef\xbb\xbf" + TABLE.encode(),
        TABLE.replace("\n", "\r\n"),
        TABLE.rstrip(),
        TABLE + "\n\n",
        TABLE.replace("\n", "\n\n"),
        TABLE.replace("x", ' "x" ').replace(' "x" ', '"x"'),
        TABLE.replace(",", " , ").replace(" , ", ",", 2),
        TABLE + ",,\n,,\n",
        TABLE.replace(",", ";").replace("a;", '"a";'),
    ],
)
def test_forms_of_text(tmp_path, content):
    (part,) = read(tmp_path, content)

    assert part.samples.tolist() == [[1, 2], [3, 4]]
    assert part.labels.tolist() == ["x", "y"]
    assert part.columns == ("a", "b")


def test_a_comma_in_a_quoted_name(tmp_path):
    (part,) = read(tmp_path, '"a, b; c",label\n"1",2\n')

    assert part.columns == ("a, b; c",)
    assert part.samples.tolist() == [[1]]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["1", "2.0", "-3"], [1, 2, -3]),
        (["1", "1.0", "01"], [1, 1, 1]),
        (["1", "b", "2.0"], ["1", "b", "2.0"]),
        (["NA", "null", "True"], ["NA", "null", "True"]),
        (["1.5", "2.5", "beta"], ["1.5", "2.5", "beta"]),
        (["日本", "Çay", "🐈"], ["日本", "Çay", "🐈"]),
    ],
)
def test_labels(tmp_path, labels, expected):
    (part,) = read(tmp_path, "label,a\n" + "".join(f"{label},1\n" for label in labels))

    assert part.labels.tolist() == expected


def test_another_column_can_have_the_labels(tmp_path):
    (part,) = read(tmp_path, "species,label\nx,1\ny,2\n", label="species")

    assert part.labels.tolist() == ["x", "y"]
    assert part.columns == ("label",)


def test_a_column_split(tmp_path):
    content = "a,split,label\n1,train,x\n2,test,y\n3,train,y\n4,test,x\n"

    train, test = read(tmp_path, content)

    assert (train.split, train.samples.tolist(), train.labels.tolist()) == (
        "train",
        [[1], [3]],
        ["x", "y"],
    )
    assert (test.split, test.samples.tolist(), test.labels.tolist()) == (
        "test",
        [[2], [4]],
        ["y", "x"],
    )
    with pytest.raises(InvalidInputError, match="row 3, column 'split': 'dev' is neither"):
        read(tmp_path / "..", content.replace("test,y", "dev,y"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "no column 'label' .* The columns are 'a', 'b'. .* with label=b"),
        ("5,0,0\n1,0,0\n", "no column 'label' .* has their names in its first row"),
        ("a,a,label\n1,2,x\n", "two columns have the name 'a'"),
        (",a,label\n0,2,x\n", "column 1 has no name. If it only counts the rows"),
        ("Unnamed: 0,a,label\n0,2,x\n", "column 1 has no name. If it only counts the rows"),
        ("label\nx\n", "no column besides 'label'"),
        ("a,label\n", "the table has no rows"),
        ("a,b,label\n1,2,x\n1,zz,x\n", "row 3, column 'b': 'zz' is not a number"),
        ('a,b,label\n1,2,x\n1,"1,5",x\n', r"row 3, column 'b': '1,5' is not a number \(with a d"),
        ("a,b,label\n1,2,x\n1,=A2+1,x\n", r"row 3, column 'b': '=A2\+1' is a formula"),
        ("a,b,label\n1,2,x\n1,,x\n", "row 3, column 'b': the cell is empty"),
        ("a,b,label\n1,2,x\n1,NA,x\n", "row 3, column 'b': the cell is empty or has no value"),
        ("a,b,label\n1,2,x\n1,nan,x\n", "row 3, column 'b': the cell is empty or has no value"),
        ("a,b,label\n1,2,x\n1,inf,x\n", "row 3, column 'b': inf is not allowed"),
        ("a,b,label\n1,2,x\n1,2,\n", "row 3, column 'label': the label is missing"),
        ("a,b,label\n1,2,x\n1,2,nan\n", "row 3, column 'label': the label is missing"),
        ("a,b,label\n1,2,x\n1,2,=A1\n", "row 3, column 'label': the label '=A1' is a formula"),
        (f"a,b,label\n1,2,x\n1,2,{'y' * 201}\n", "row 3, .* 201 characters .* up to 200"),
        ("a,b,label\n1,2,x\n1,x\n", "row 3 has 2 cells instead of 3: '1,x'"),
        ("a,b,label\n1,2,x\n1,2,x,4\n", "row 3 has 4 cells instead of 3"),
        ("a,b,label\n\n1,2,x\n\n\n1,,x\n", "row 6, column 'b': the cell is empty"),
        ("a,b,label\n\n1,2,x\n\n\n1,zz,x\n", "row 6, column 'b': 'zz' is not a number"),
        ("a,b,label\n\n1,2,x\n\n\n1,x\n", "row 6 has 2 cells"),
        ("a,label\n1,0.5\n2,1\n", "numbers with fractions, such as 0.5"),
        ("a,label\n1,é\n".encode("latin-1"), "not in UTF-8"),
        ("é,label\n1,x\n".encode("latin-1"), "not in UTF-8"),
        ("pixel0,pixel1,label\n1,2,x\n", "2 of 2 columns are named like pixels"),
        ("pixel0,a,b,c,label\n1,2,3,4,x\n", "1 of 4 columns are named like pixels"),
        ("pixel0,pixel2,pixel1,pixel3,label\n1,2,3,4,x\n", "in order"),
        ("pixel0,label\n1,x\n256,x\n", "row 3, column 'pixel0': 256 is not allowed, pixels must"),
        ("pixel0,label\n1,x\n0.5,x\n", "row 3, column 'pixel0': 0.5 is not allowed"),
        ("pixel0,label\n1,x\n-1,x\n", "row 3, column 'pixel0': -1 is not allowed"),
        ("\na,label\n1,x\n", "the first line is empty"),
        ('a,"label\n1,x\n', "the first line is not CSV"),
    ],
)
def test_faults_are_named_as_in_a_spreadsheet(tmp_path, content, message):
    with pytest.raises(InvalidInputError, match=message):
        read(tmp_path, content)


def test_rows_are_counted_across_blocks(tmp_path):
    rows = ["1.25,2.5,x"] * (LONGEST_LINE // 5)
    rows[100] = ""
    rows[-2] = "1,2,"

    with pytest.raises(InvalidInputError, match=f"row {len(rows):,}, column 'label'"):
        read(tmp_path, "a,b,label\n" + "\n".join(rows))
    rows[-2] = "1,zz,x"
    with pytest.raises(InvalidInputError, match=f"row {len(rows):,}, column 'b': 'zz'"):
        read(tmp_path, "a,b,label\n" + "\n".join(rows))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(samples=1), "more than 1 samples"),
        (Limits(classes=1), "more than 1 distinct labels"),
        (Limits(features=1), "2 values per sample; up to 1"),
        (Limits(bytes=31), "more than 31 bytes"),
    ],
)
def test_limits(tmp_path, limits, message):
    with pytest.raises(InvalidInputError, match=message):
        read(tmp_path, TABLE, limits)


@pytest.mark.parametrize(
    ("step", "rows", "warned"), [(1, 300_000, True), (1, 9, False), (2, 300_000, False)]
)
def test_a_column_that_counts_the_rows(tmp_path, step, rows, warned):
    ids = "".join(f"0.5,{7 + step * i},x\n" for i in range(rows))

    (part,) = read(tmp_path, "a,Id,label\n" + ids)

    warning = "The column 'Id' counts the rows. It says nothing about a sample: upload the table "
    assert part.warnings == ([warning + "without it."] if warned else [])


def test_empty_lines_take_no_memory(tmp_path):
    names = ",".join(f"column {i}" for i in range(12_288))
    empty = b"\n" * 2_000_000  # as rows of numbers, these would be 200 GB

    with pytest.raises(InvalidInputError, match="row 2,000,002 has 3 cells instead of 12289"):
        read(tmp_path, names.encode() + b",label\n" + empty + b"1,2,3\n")


def test_measurements_in_place_of_labels_are_recognized_before_the_limit(tmp_path):
    rows = "".join(f"1,{number / 7}\n" for number in range(5000))

    with pytest.raises(InvalidInputError, match="numbers with fractions"):
        read(tmp_path, "a,label\n" + rows)


@pytest.mark.parametrize("start", [b"", b"a,b,label\n", b"a,b,label\n1,2,x\n", b'a,"'])
def test_a_single_long_line_is_rejected(tmp_path, start):
    with pytest.raises(InvalidInputError, match=f"is longer than {LONGEST_LINE:,} bytes"):
        read(tmp_path, start + b"1," * LONGEST_LINE)


def test_all_samples_are_in_their_order(tmp_path):
    numbers = np.random.default_rng(0).permutation(200_000)
    (part,) = read(tmp_path, "a,label\n" + "".join(f"{n},{n % 7}\n" for n in numbers))

    np.testing.assert_array_equal(part.samples[:, 0], numbers)
    np.testing.assert_array_equal(part.labels, numbers % 7)
