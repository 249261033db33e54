# SPDX-License-Identifier: MIT
# Makes lines for people of the twin's events (twin/events.h): virtual time, what happened. -v color=1 colours them.
function text(name,   s) {
	if (!match($0, "\"" name "\":\"([^\"\\\\]|\\\\.)*\""))
		return ""
	s = substr($0, RSTART, RLENGTH)
	s = substr(s, length(name) + 5, length(s) - length(name) - 5)
	gsub(/\\"/, "\"", s)
	return s
}
function number(name) {
	if (!match($0, "\"" name "\":-?[0-9.eE+-]+"))
		return 0
	return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) + 0
}
function say(mark, line) {
	printf "  %s%9.3f s%s  %-6s %s%s%s\n", dim, number("t_ns") / 1e9, plain, mark, paint, line, plain
	paint = ""
}
BEGIN {
	if (color) { dim = "\033[2m"; plain = "\033[0m"; red = "\033[31m"; green = "\033[32m"; yellow = "\033[33m" }
}
{ event = text("event") }
event == "power" { say("power", $0 ~ /"on":true/ ? "on" : "off") }
event == "reset" && text("cause") != "power" { say("reset", "by " text("cause")) }
event == "watchdog" { paint = yellow; say("dog", "the watchdog bites") }
event == "cut" {
	paint = red
	say("CUT", sprintf("power fails in a%s of %s at 0x%08x, %d %% done%s", text("kind") == "erase" ? "n erase" : " program",
		text("partition"), number("addr"), 100 * number("fraction"),
		$0 ~ /"unstable":true/ ? "; it reads differently from now on" : ""))
}
event == "cable" { paint = red; say("CABLE", $0 ~ /"on":true/ ? "plugged in" : "pulled") }
event == "start" { paint = green; say("runs", text("what")) }
event == "led" { say("LED", text("state") (number("period_ms") ? " every " number("period_ms") " ms" : "")) }
# Recovery repeats itself; scraps of binary frames are no lines.
event == "uart" && text("line") != said && length(text("line")) > 6 { said = text("line"); say("says", said) }
event == "erase" && text("partition") != "journal" { say("flash", sprintf("erased a sector of %s", text("partition"))) }
event == "program" && text("partition") != "journal" && number("bytes") > 1000 {
	say("flash", sprintf("programmed %d bytes of %s", number("bytes"), text("partition")))
}
event == "modbus" { say("bus", sprintf("longest gap between two Modbus readings so far: %.0f ms", number("gap_ms"))) }
event == "fault" || event == "lockup" || event == "stall_error" || event == "misuse" { paint = red; say("ERROR", $0) }
