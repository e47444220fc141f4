package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-ml/plumbline/agent/reference"
)

func newReferenceAccept() *cobra.Command {
	var r reference.Request
	var state string
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "accept --model MODEL --state DIR --author NAME --reason TEXT",
		Short: "Tell the running agent that what it sees now is normal from now on",
		Long: `Makes what was seen since the onset of an alarm the reference of the columns that stand in alarm (or of the one that --feature
names), ends their alarms and lets the next one be judged against that. What was known of the time of the week stays: shares move by what
was seen now. Author and reason are kept with the agent's state and stand in its log and metrics.

The request is a file in the agent's state folder, so it needs the right to write there; it is applied once, also over a crash. A
new reference file takes its place.`,
		Example: `  plumbline reference accept --model spam-classifier --state /var/lib/plumbline --author jo --reason "new client release, change 4711"`,
		Args:    noArgs,
	}
	f := cmd.Flags()
	f.StringVar(&r.Model, "model", "", "name of the model, as in its file")
	f.StringVar(&r.Feature, "feature", "", "one prediction or feature, as in the label feature; default: all that stand in alarm")
	f.StringVar(&state, "state", "", "state folder of the running agent")
	f.StringVar(&r.Author, "author", "", "who says so")
	f.StringVar(&r.Reason, "reason", "", "why")
	f.DurationVar(&wait, "wait", 30*time.Second, "how long to wait for the agent's answer")
	form := output(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := form()
		if err != nil {
			return err
		}
		for _, need := range []struct{ flag, value, what string }{
			{"--model", r.Model, "name the model"}, {"--state", state, "name the agent's state folder"},
			{"--author", r.Author, "say who decides this"}, {"--reason", r.Reason, "say why"},
		} {
			if strings.TrimSpace(need.value) == "" {
				return usage("%s is missing: %s", need.flag, need.what)
			}
		}
		if st, err := os.Stat(state); err != nil || !st.IsDir() {
			return usage("--state %s is no folder: name the state folder of the running agent", state)
		}
		r.ID = time.Now().UTC().Format("20060102T150405.000000000") + "-" + strings.ToLower(rand.Text()[:8])
		file, err := reference.Ask(state, r)
		if err != nil {
			return err
		}
		for end := time.Now().Add(wait); ; {
			data, err := os.ReadFile(file)
			if err == nil {
				_ = os.Remove(file)
				return accepted(cmd, data, asJSON)
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if time.Now().After(end) {
				return fmt.Errorf("no answer within %s: is an agent running with this state folder? The request stays and is applied when one starts", wait)
			}
			select {
			case <-cmd.Context().Done():
				return cmd.Context().Err()
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	return cmd
}

// accepted prints the agent's answer.
func accepted(cmd *cobra.Command, data []byte, asJSON bool) error {
	var a reference.Answer
	if err := json.Unmarshal(data, &a); err != nil {
		return fmt.Errorf("read the agent's answer: %w", err)
	}
	if asJSON {
		if err := printJSON(cmd, a); err != nil {
			return err
		}
	}
	if a.Error != "" {
		return errors.New(a.Error)
	}
	if !asJSON {
		fmt.Fprintf(cmd.OutOrStdout(), "accepted for %s (request %s)\n", strings.Join(a.Columns, ", "), a.ID)
	}
	return nil
}
