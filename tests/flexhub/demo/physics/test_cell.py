"""The grid of time."""

from flexhub.demo.physics.cell import Cell, cell_start

CELL = Cell(start_s=100, hour=1, minute_of_day=60, outdoor_c=9, load_w=300, pv_available_w=0, heat_demand_w=0)


def test_the_rest_of_a_cell_begins_where_the_order_arrived() -> None:
    rest = CELL.rest_from(103.0)

    assert rest.start_s == 103.0
    assert rest.minute_of_day == 60.05
    assert rest.load_w == 300


def test_the_rest_from_the_start_is_the_cell_itself() -> None:
    assert CELL.rest_from(100) is CELL


def test_cells_begin_at_multiples_of_five_seconds() -> None:
    assert cell_start(104.9) == 100
    assert cell_start(105.0) == 105
