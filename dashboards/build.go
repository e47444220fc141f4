package dashboards

//go:generate go run ./render

// page lays panels out from left to right in rows of 24 columns, as Grafana does.
type page struct {
	panels []Panel
	x, y   int
	height int // of the row that is being filled
}

// width of a panel in Grafana's 24 columns.
const (
	full    = 24
	half    = 12
	third   = 8
	quarter = 6
	sixth   = 4
)

func (p *page) row(title string) {
	p.wrap()
	closed := false
	p.panels = append(p.panels, Panel{ID: len(p.panels) + 1, Type: "row", Title: title, GridPos: gridPos{H: 1, W: full, Y: p.y}, Collapsed: &closed})
	p.y++
}

func (p *page) wrap() {
	p.y += p.height
	p.x, p.height = 0, 0
}

// add places a panel; queries alternate expression and legend.
func (p *page) add(panel Panel, width, height int, queries ...string) {
	if p.x+width > full {
		p.wrap()
	}
	panel.ID = len(p.panels) + 1
	panel.GridPos = gridPos{H: height, W: width, X: p.x, Y: p.y}
	panel.Datasource = prometheusSource()
	table := panel.Type == "table"
	instant := table || panel.Type == "stat" || panel.Type == "bargauge" || panel.Type == "barchart"
	for i := 0; i+1 < len(queries); i += 2 {
		t := Target{RefID: string(rune('A' + i/2)), Expr: queries[i], LegendFormat: queries[i+1], Instant: instant, Range: !instant, Datasource: prometheusSource()}
		if table || panel.Type == "barchart" {
			t.Format = "table"
		}
		panel.Targets = append(panel.Targets, t)
	}
	p.panels = append(p.panels, panel)
	p.x += width
	p.height = max(p.height, height)
}

func number(x float64) *float64 { return &x }

// graph is a time series panel.
func graph(title, description, unit string) Panel {
	return Panel{Type: "timeseries", Title: title, Description: description,
		FieldConfig: &fieldConfig{Overrides: []fieldOverride{}, Defaults: fieldDefaults{Unit: unit, Custom: map[string]any{"lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": false}}},
		Options:     map[string]any{"legend": map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true}, "tooltip": map[string]any{"mode": "multi", "sort": "desc"}},
	}
}

// dashed draws every series whose legend begins with "reference" or "limit" as a dashed grey line.
func dashed(p Panel) Panel {
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, fieldOverride{
		Matcher: map[string]any{"id": "byRegexp", "options": "/^(reference|limit).*/"},
		Properties: []map[string]any{
			{"id": "custom.lineStyle", "value": map[string]any{"fill": "dash", "dash": []int{8, 6}}},
			{"id": "custom.fillOpacity", "value": 0},
			{"id": "color", "value": map[string]any{"mode": "fixed", "fixedColor": "text"}},
		},
	})
	return p
}

// line adds a fixed horizontal threshold to a graph.
func line(p Panel, at float64) Panel {
	p.FieldConfig.Defaults.Custom["thresholdsStyle"] = map[string]any{"mode": "dashed"}
	p.FieldConfig.Defaults.Thresholds = &thresholds{Mode: "absolute", Steps: []thresholdStep{{Color: "transparent"}, {Color: "red", Value: number(at)}}}
	return p
}

// share fixes a graph's axis to 0..1.
func share(p Panel) Panel {
	p.FieldConfig.Defaults.Min, p.FieldConfig.Defaults.Max = number(0), number(1)
	return p
}

// stat is one big number; red from bad upwards when bad is above zero, green otherwise.
func stat(title, description, unit string, bad float64) Panel {
	steps := []thresholdStep{{Color: "text"}}
	if bad > 0 {
		steps = []thresholdStep{{Color: "green"}, {Color: "red", Value: number(bad)}}
	}
	return Panel{Type: "stat", Title: title, Description: description,
		FieldConfig: &fieldConfig{Overrides: []fieldOverride{}, Defaults: fieldDefaults{Unit: unit, Thresholds: &thresholds{Mode: "absolute", Steps: steps}}},
		Options:     map[string]any{"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}}, "colorMode": "value", "graphMode": "none"},
	}
}

// table joins its queries on their labels; columns names the value of each query, hidden drops labels.
func table(title, description string, columns map[string]string, hidden ...string) Panel {
	exclude := map[string]any{"Time": true}
	for _, h := range hidden {
		exclude[h] = true
	}
	rename := map[string]any{}
	for from, to := range columns {
		rename["Value #"+from] = to
	}
	return Panel{Type: "table", Title: title, Description: description,
		FieldConfig: &fieldConfig{Overrides: []fieldOverride{}, Defaults: fieldDefaults{Custom: map[string]any{"filterable": true}}},
		Options:     map[string]any{"showHeader": true},
		Transforms: []transform{
			{ID: "merge", Options: map[string]any{}},
			{ID: "organize", Options: map[string]any{"excludeByName": exclude, "renameByName": rename}},
		},
	}
}

// bars compares the bins of a numeric feature, or the shares of a category, side by side.
func bars(title, description, by string) Panel {
	return Panel{Type: "barchart", Title: title, Description: description,
		FieldConfig: &fieldConfig{Overrides: []fieldOverride{}, Defaults: fieldDefaults{Unit: "percentunit", Custom: map[string]any{"fillOpacity": 60}}},
		Options:     map[string]any{"xField": by, "legend": map[string]any{"showLegend": true, "displayMode": "list", "placement": "bottom"}, "groupWidth": 0.8},
		Transforms: []transform{
			{ID: "joinByField", Options: map[string]any{"byField": by, "mode": "outer"}},
			{ID: "organize", Options: map[string]any{"excludeByName": map[string]any{"Time": true, "Time 1": true, "Time 2": true}, "renameByName": map[string]any{"Value #A": "now", "Value #B": "reference"}}},
		},
	}
}

// heatmap shows the buckets of a histogram over time.
func heatmap(title, description string) Panel {
	return Panel{Type: "heatmap", Title: title, Description: description,
		FieldConfig: &fieldConfig{Overrides: []fieldOverride{}},
		Options:     map[string]any{"calculate": false, "yAxis": map[string]any{"axisPlacement": "left"}, "color": map[string]any{"mode": "scheme", "scheme": "Blues", "steps": 32}, "cellGap": 1},
	}
}

// timeline shows states as coloured bars over time.
func timeline(title, description string) Panel {
	return Panel{Type: "state-timeline", Title: title, Description: description,
		FieldConfig: &fieldConfig{Overrides: []fieldOverride{}, Defaults: fieldDefaults{
			Custom:     map[string]any{"fillOpacity": 80, "lineWidth": 0},
			Thresholds: &thresholds{Mode: "absolute", Steps: []thresholdStep{{Color: "green"}, {Color: "red", Value: number(1)}}},
			Mappings:   []any{map[string]any{"type": "value", "options": map[string]any{"0": map[string]any{"text": "ok"}, "1": map[string]any{"text": "ALARM"}}}},
		}},
		Options: map[string]any{"showValue": "never", "mergeValues": true, "rowHeight": 0.8},
	}
}

// named gives the state 1 of a timeline another name and colour.
func named(p Panel, state, color string) Panel {
	p.FieldConfig.Defaults.Thresholds.Steps[1].Color = color
	p.FieldConfig.Defaults.Mappings = []any{map[string]any{"type": "value", "options": map[string]any{"0": map[string]any{"text": "ok"}, "1": map[string]any{"text": state}}}}
	return p
}

// variable asks Prometheus for the values of a label.
func variable(name, label, query string, multi bool) Variable {
	v := Variable{Name: name, Label: label, Type: "query", Definition: query, Query: map[string]any{"query": query, "refId": name}, Datasource: prometheusSource(), Refresh: 2, Sort: 1, IncludeAll: multi, Multi: multi, Current: map[string]any{}}
	if multi {
		v.AllValue = ".*"
		v.Current = map[string]any{"selected": true, "text": []string{"All"}, "value": []string{"$__all"}}
	}
	return v
}

func sourceVariable() Variable {
	return Variable{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus", Current: map[string]any{}}
}

// dashboard fills in what all our dashboards share.
func dashboard(uid, title, description string, p *page, variables []Variable, annotations []Annotation) Dashboard {
	return Dashboard{
		UID: uid, Title: title, Description: description, Tags: []string{"plumbline"},
		SchemaVersion: schemaVersion, Version: 1, GraphTooltip: 1, Refresh: "30s", Timezone: "browser",
		Time:        timeRange{From: "now-6h", To: "now"},
		Templating:  templating{List: append([]Variable{sourceVariable()}, variables...)},
		Annotations: annotated{List: annotations},
		Links:       []link{{Title: "Plumbline", Type: "dashboards", Tags: []string{"plumbline"}, AsDropdown: true, KeepTime: true}},
		Panels:      p.panels,
	}
}
