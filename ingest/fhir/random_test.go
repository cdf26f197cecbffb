package fhir

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// randomDocument writes a random Observation in random spelling: whitespace,
// escapes, order, unknown members, nested markers.
type randomDocument struct {
	*rand.Rand
	strings.Builder
}

func newRandomObservation(r *rand.Rand) string {
	d := &randomDocument{Rand: r}
	names := []string{"resourceType"}
	pool := []string{
		"status", "category", "code", "effectiveDateTime", "effectivePeriod", "valueQuantity", "valueString",
		"valueSampledData", "dataAbsentReason", "interpretation", "bodySite", "method", "referenceRange", "component",
		"id", "meta", "text", "subject", "encounter", "performer", "issued", "note", "device", "identifier", "extension",
		"modifierExtension", "contained", "_status", "_valueString", "valueAttachment", "valuequantity", "Status", "", "código", "😀",
	}
	d.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	names = append(names, pool[:d.IntN(len(pool))]...)
	d.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	d.space()
	d.list('{', '}', len(names), func(i int) {
		d.text(names[i])
		d.space()
		d.WriteByte(':')
		d.space()
		if names[i] == "resourceType" {
			d.text("Observation")
			return
		}
		d.value(0)
	})
	d.space()
	return d.String()
}

func (d *randomDocument) space() {
	for d.IntN(3) == 0 {
		d.WriteByte(" \t\r\n"[d.IntN(4)])
	}
}

func (d *randomDocument) list(open, closing byte, count int, item func(i int)) {
	d.WriteByte(open)
	d.space()
	for i := range count {
		if i > 0 {
			d.WriteByte(',')
			d.space()
		}
		item(i)
		d.space()
	}
	d.WriteByte(closing)
}

func (d *randomDocument) text(s string) {
	d.WriteByte('"')
	for _, r := range s {
		switch n := d.IntN(12); {
		case n == 0 && r < 0x10000:
			fmt.Fprintf(d, `\u%04x`, r)
		case n == 1 && r < 0x10000:
			fmt.Fprintf(d, `\u%04X`, r)
		case n == 2 && r >= 0x10000:
			fmt.Fprintf(d, `\u%04x\u%04x`, 0xD800+(r-0x10000)>>10, 0xDC00+(r-0x10000)&0x3FF)
		case r == '"' || r == '\\':
			d.WriteByte('\\')
			d.WriteRune(r)
		case r < 0x20:
			fmt.Fprintf(d, `\u%04x`, r)
		default:
			d.WriteRune(r)
		}
	}
	d.WriteByte('"')
}

func (d *randomDocument) value(depth int) {
	kinds := 9
	if depth > 5 {
		kinds = 7
	}
	switch d.IntN(kinds) {
	case 0:
		d.WriteString([]string{"true", "false", "null"}[d.IntN(3)])
	case 1, 2:
		d.WriteString([]string{"0", "-0", "37.00", "-1.5e+300", "172.33351380379008", "1E400", "9007199254740993", "0.1e-7"}[d.IntN(8)])
	case 3, 4:
		d.text([]string{"", "a", "\"\\\n\t/", "Größe", "\u2028😀\ufeff", "extension", "reference"}[d.IntN(7)])
	case 5:
		d.WriteString(`"\ud800 \b\f\n\r\t\/"`) // a lone surrogate is allowed
	case 6:
		d.WriteString([]string{"{}", "[]", "[ ]", "{\n}"}[d.IntN(4)])
	case 7:
		d.list('[', ']', d.IntN(4), func(int) { d.value(depth + 1) })
	case 8:
		names := []string{"value", "unit", "system", "code", "coding", "text", "period", "start", "low"}
		if d.IntN(4) == 0 {
			names = append(names, "extension", "reference", "identifier", "modifierExtension", "Extension", "references")
		}
		d.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		d.list('{', '}', d.IntN(min(5, len(names))), func(i int) {
			d.text(names[i])
			d.space()
			d.WriteByte(':')
			d.space()
			d.value(depth + 1)
		})
	}
}
