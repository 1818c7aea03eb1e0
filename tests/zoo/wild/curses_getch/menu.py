"""A menu on the whole screen, where a job of CI has got a terminal."""
import curses


def choose(screen):
    screen.addstr(0, 0, "1) install  2) quit")
    return screen.getch()


curses.wrapper(choose)
