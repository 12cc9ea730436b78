"""Do the tables, the goals, the picture, the deadlines and the tidying up do what they should? On made-up rows and
programs."""

import os
import pathlib
import sys
import time

import goals
import picture
import stage
import table
from entrants import Column, Row, Size, Workload


def made(workload, name, *runs, **more):
    return Row(workload, name, 'in words', 'somehow', list(runs), **more)


def test_a_cell_is_the_median_with_its_lowest_and_highest():
    row = made('W1', 'a', {'per_s': 3000}, {'per_s': 1000}, {'per_s': 2500.4})
    assert table.cell(row, Column('per_s', 'x', True)) == '2,500 (1,000 to 3,000)'
    assert table.cell(row, Column('per_s', 'x')) == '2,500'
    assert table.cell(row, Column('p50_ms', 'x', True)) == ''


def test_a_number_keeps_three_digits_that_count():
    said = [table.number(value) for value in (None, 0, 7, 1234567.8, 123.4, 12.34, 1.234, 0.1234)]
    assert said == ['', '0', '7', '1,234,568', '123', '12.3', '1.23', '0.123']


def test_a_figure_that_some_runs_lack_is_the_median_of_the_others():
    assert table.median(made('W1', 'a', {'p50_ms': 1}, {'p50_ms': None}, {'p50_ms': 3}), 'p50_ms') == 2


def test_the_best_row_stands_first_and_who_is_missing_is_named():
    rows = [made('W1', 'slow', {'x': 1}), made('W1', 'fast', {'x': 9}, failures=['it fell over']),
            made('W1', 'gone', skipped='not installed'), made('W1', 'dead', failures=['refused'])]
    lines = table.of_workload(Workload('W1', 'title', 'what', [Column('x', 'figure')], '-x', []), rows)
    body = [line.split(' | ')[0] for line in lines if line.startswith('| ')]
    assert body == ['| who', '| ---', '| fast', '| slow']
    text = '\n'.join(lines)
    assert '- gone: not taken part, not installed' in text and '- dead: 1 of 1 runs failed: refused' in text
    assert '- fast: 1 of 2 runs failed: it fell over' in text
    lowest = table.ordered(rows, 'x')
    assert [row.name for row in lowest] == ['slow', 'fast']


def test_a_goal_is_held_against_what_ran_beside_it():
    goal = next(goal for goal in goals.GOALS if goal.goal == 'half of the ceiling')
    mine, other = goal.figure[1], goal.beside[1]
    for figure, expected in ((50, True), (49.9, False)):
        rows = [made('W1', mine, {'per_s': figure}), made('W1', other, {'per_s': 100})]
        assert goals.verdict(goal, rows) == (figure, 100, 50, expected)
    assert goals.verdict(goal, [made('W1', mine, {'per_s': 50})]) == (50, None, None, None)
    assert goals.section([]) == []


def test_every_goal_speaks_of_a_row_and_a_figure_that_are_there():
    import workloads
    there = {(workload.id, entrant.name) for workload in workloads.all_workloads() for entrant in workload.entrants}
    places = [place for goal in goals.GOALS for place in (goal.figure, goal.beside) if place]
    assert [place for place in places if place[:2] not in there] == []
    shown = {('W2', name) for name, _ in picture.THROUGHPUT}
    shown |= {('W4p', name) for name, _ in picture.LATENESS}
    assert shown - there == set()


def test_each_workload_is_sorted_by_a_column_that_it_shows():
    import workloads
    for workload in workloads.all_workloads():
        assert workload.order.lstrip('-') in [column.key for column in workload.columns], workload.id


def test_the_picture_has_a_bar_for_each_that_was_measured():
    rows = [made('W2', 'lull', {'per_s': 300_000}), made('W2', 'BullMQ', {'per_s': 9_000})]
    script = picture.script(rows, 'x.svg')
    assert script.count('set object rectangle') == 2 and '300,000/s' in script and 'W4p' not in script
    assert picture.script([], 'x.svg') == ''


def test_a_quick_run_has_a_tenth():
    assert [Size(True).n(count) for count in (20, 1_000, 300_000)] == [20, 200, 30_000]
    assert Size().n(300_000) == 300_000


def test_the_lines_of_the_calls_are_read_by_their_headings():
    import lull_rows
    text = (f'{"":38}{"CPU s":>8}{"% core":>8}{"idle MiB":>10}{"peak MiB":>10}{"took s":>8}\n'
            f'{"lull-worker, 5,000 calls at once":38}{2.5:8.2f}{10:8.1f}{20:10.1f}{120.5:10.1f}{25:8.1f}\n'
            '    under way at the same time: 5,000\n')
    figures = lull_rows.calls_figures(text, 'lull-worker')
    assert figures == {'calls': 5000, 'mib': 120.5, 'core_percent': 10, 'seconds': 25}
    try:
        lull_rows.calls_figures(text, 'BullMQ')
        raise AssertionError('it read what is not there')
    except stage.Failed:
        pass


def test_a_client_that_hangs_is_ended_with_all_it_has_started():
    with stage.Stage() as scene:
        begin, file = time.monotonic(), scene.folder / 'pid'
        try:
            scene.run('sh', '-c', f'sleep 100 & echo $! >{file}; wait', deadline_s=1)
            raise AssertionError('it was not ended')
        except stage.Failed as failed:
            assert 'not done after 1 s' in str(failed)
        assert time.monotonic() - begin < 20
        stage.wait_until(lambda: not is_alive(int(file.read_text())), 'the child is gone', 10)


def test_a_client_is_asked_to_leave_before_it_is_killed():
    with stage.Stage() as scene:
        file = scene.folder / 'left'
        try:
            scene.run('sh', '-c', f'trap "echo left >{file}; exit" TERM; while :; do sleep 0.1; done', deadline_s=1)
            raise AssertionError('it was not ended')
        except stage.Failed:
            assert file.read_text() == 'left\n'


def test_a_client_that_fails_says_why():
    with stage.Stage() as scene:
        wrong = {'echo ouch >&2; exit 3': 'ended with 3: ouch', 'echo hello': 'printed no figures: hello',
                 'echo "TypeError: no" >&2; echo "  at x:1" >&2; exit 1': 'ended with 1: TypeError: no'}
        for command, said in wrong.items():
            try:
                scene.run('sh', '-c', command)
                raise AssertionError('it did not fail')
            except stage.Failed as failed:
                assert said in str(failed), failed
        assert scene.run('sh', '-c', 'echo noise; echo \'{"n": 1}\'') == {'n': 1}


def test_a_stage_ends_its_servers_and_removes_its_folder():
    with stage.Stage() as scene:
        server, folder = scene.start('sleep', 100), scene.folder
        assert server.poll() is None and folder.exists()
    assert server.poll() is not None and not folder.exists()


def test_a_server_that_does_not_start_is_told_with_its_words():
    with stage.Stage() as scene:
        try:
            scene.start('sh', '-c', 'echo no such thing; exit 1', port=stage.free_port())
            raise AssertionError('it was taken for started')
        except stage.Failed as failed:
            assert 'no such thing' in str(failed)


def test_processor_time_and_memory_are_those_of_the_process():
    before = stage.cpu_s(os.getpid())
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    assert stage.cpu_s(os.getpid()) - before >= 0.04
    memory = stage.memory_bytes(os.getpid())
    kept = bytearray(os.urandom(1 << 24))
    assert stage.memory_bytes(os.getpid()) - memory > len(kept) // 2


def is_alive(pid):
    """Zombies are not."""
    try:
        return pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def main():
    passed = failed = 0
    for name, test in list(globals().items()):
        if not name.startswith('test_'):
            continue
        try:
            test()
            passed += 1
        except (AssertionError, stage.Failed) as error:
            failed += 1
            print(f'{name}: {error or "not so"}', file=sys.stderr)
    print(f'bench: {passed} passed, {failed} failed')
    return 1 if failed else 0
