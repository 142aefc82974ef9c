import pytest

from nmt.errors import ConfigError, unknown
from nmt.registry import Registry


@pytest.fixture
def fruits() -> Registry[int]:
    fruits: Registry[int] = Registry("fruit")
    for name, weight in (("pear", 180), ("apple", 150), ("apricot", 40)):
        fruits.register(name)(weight)
    return fruits


def test_registered_functions_are_found_by_name(fruits: Registry[int]) -> None:
    assert fruits["apple"] == 150
    assert "pear" in fruits
    assert "plum" not in fruits
    assert 7 not in fruits


def test_names_are_sorted(fruits: Registry[int]) -> None:
    assert list(fruits) == ["apple", "apricot", "pear"]


def test_a_decorated_class_stays_what_it_is() -> None:
    shapes: Registry[type] = Registry("shape")

    @shapes.register("square")
    class Square:
        pass

    assert shapes["square"] is Square
    assert isinstance(Square(), Square)


def test_a_misspelt_name_is_answered_with_the_nearest(fruits: Registry[int]) -> None:
    with pytest.raises(ConfigError) as caught:
        fruits["aple"]
    assert str(caught.value) == (
        "unknown fruit 'aple'; did you mean 'apple'? There are: apple, apricot, pear"
    )


def test_a_name_like_no_other_is_answered_with_all(fruits: Registry[int]) -> None:
    with pytest.raises(ConfigError) as caught:
        fruits["xylophone"]
    assert str(caught.value) == "unknown fruit 'xylophone'. There are: apple, apricot, pear"


def test_a_name_is_given_only_once(fruits: Registry[int]) -> None:
    with pytest.raises(ValueError, match="two fruits are called 'pear'"):
        fruits.register("pear")(200)
    assert fruits["pear"] == 180


def test_a_similar_name_is_not_lost_among_many() -> None:
    many = [f"fruit-{letter}" for letter in "abcdefghijklm"]
    assert unknown("fruit", "fruit-aa", many) == "unknown fruit 'fruit-aa'; did you mean 'fruit-a'?"
    assert unknown("fruit", "xylophone", many).endswith("There are: " + ", ".join(many))
    assert unknown("fruit", "fruit-aa", many[:12]).endswith("There are: " + ", ".join(many[:12]))
