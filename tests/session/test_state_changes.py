"""The guard of methods that change a state, on a traffic light."""

from __future__ import annotations

import enum

import pytest
from sqlalchemy.exc import IllegalStateChangeError

from ormsession.session.state_changes import ANY, NO_CHANGE, _StateChange

declares = _StateChange.declare_states


class Light(enum.Enum):
    RED = 1
    GREEN = 2
    DARK = 3


class TrafficLight(_StateChange):
    _state = Light.RED

    @declares((Light.RED,), Light.GREEN)
    def go(self):
        self._state = Light.GREEN

    @declares((Light.RED,), Light.GREEN)
    def stay(self):
        pass

    @declares((Light.RED,), Light.GREEN)
    def explode(self):
        raise ZeroDivisionError

    @declares((Light.RED,), Light.GREEN)
    def go_dark_instead(self):
        self._state = Light.DARK

    @declares(ANY, Light.DARK)
    def switch_off(self):
        self._state = Light.DARK

    @declares(ANY, NO_CHANGE)
    def look(self):
        return self._state

    @declares((Light.RED,), Light.GREEN)
    def go_by_another_method(self):
        with self._expect_state(Light.GREEN):
            self.go()

    @declares((Light.RED,), Light.GREEN)
    def go_and_switch_off_unannounced(self):
        self.switch_off()

    @declares((Light.RED,), Light.GREEN)
    def announce_green_and_switch_off(self):
        with self._expect_state(Light.GREEN):
            self.switch_off()

    @declares((Light.RED,), Light.GREEN)
    def look_then_go(self):
        assert self.look() is Light.RED
        self._state = Light.GREEN


def test_a_declared_change_is_made():
    light = TrafficLight()
    light.go()
    assert light._state is Light.GREEN


def test_a_call_in_a_state_that_is_not_declared_is_refused():
    light = TrafficLight()
    light.go()
    with pytest.raises(
        IllegalStateChangeError, match=r"Can't run operation 'go\(\)' when Session is in state <Light.GREEN"
    ):
        light.go()


def test_a_method_that_does_not_make_its_change_is_reported():
    with pytest.raises(IllegalStateChangeError, match=r"'stay\(\)' failed to change state to <Light.GREEN: 2>"):
        TrafficLight().stay()


def test_a_method_that_makes_another_change_is_reported():
    with pytest.raises(
        IllegalStateChangeError, match=r"'go_dark_instead\(\)' caused an unexpected state change to <Light"
    ):
        TrafficLight().go_dark_instead()


def test_an_error_of_the_method_itself_is_not_covered_up():
    light = TrafficLight()
    with pytest.raises(ZeroDivisionError):
        light.explode()
    light.go()
    assert light._state is Light.GREEN


def test_a_method_may_let_another_make_the_announced_change():
    light = TrafficLight()
    light.go_by_another_method()
    assert light._state is Light.GREEN


def test_a_change_inside_another_method_has_to_be_announced():
    light = TrafficLight()
    with pytest.raises(
        IllegalStateChangeError, match=r"'switch_off\(\)' can't be called here; method 'go_and_switch_off"
    ):
        light.go_and_switch_off_unannounced()
    assert light._state is Light.RED


def test_another_change_than_the_announced_one_is_refused():
    with pytest.raises(
        IllegalStateChangeError, match=r"will move to state <Light.DARK: 3> where we are expecting <Light"
    ):
        TrafficLight().announce_green_and_switch_off()


def test_a_method_without_change_may_be_called_anywhere():
    light = TrafficLight()
    light.look_then_go()
    assert light._state is Light.GREEN


def test_announcing_a_change_outside_of_a_guarded_method_is_a_mistake():
    with pytest.raises(AssertionError, match="outside of state-changing method"):
        TrafficLight()._expect_state(Light.GREEN)
