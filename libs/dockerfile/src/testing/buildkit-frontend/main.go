// BuildKit's own Dockerfile frontend, asked what it would do: for each question, a line of JSON on the standard input, it
// answers with a line of JSON which images the build would use. Nothing is built and nothing is fetched. What the frontend
// reads (the Dockerfile, the configurations of images) is in the question; what it gives to the solver is the answer.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	fstypes "github.com/tonistiigi/fsutil/types"
)

type question struct {
	Dockerfile string `json:"dockerfile"`
	// As `buildctl --opt` takes them: target, platform, build-arg:NAME, context:NAME.
	Opts map[string]string `json:"opts"`
	// Triggers in the configurations of images, by canonical name.
	OnBuild map[string][]string `json:"onBuild"`
}

type answer struct {
	// "reference platform" of what the build is made of.
	Used []string `json:"used"`
	// The same of all images whose configuration was read: more than what is used.
	Asked []string `json:"asked"`
	// The image of another frontend, to which the build was passed on.
	Frontend string `json:"frontend,omitempty"`
	Error    string `json:"error,omitempty"`
	// The frontend does not come back from this file.
	Hangs bool `json:"hangs,omitempty"`
}

// gateway stands in for the daemon.
type gateway struct {
	question question
	mu       sync.Mutex
	used     map[string]bool
	asked    map[string]bool
	frontend string
}

func (g *gateway) note(set map[string]bool, name string, p ocispecs.Platform) {
	g.mu.Lock()
	defer g.mu.Unlock()
	set[name+" "+platforms.FormatAll(platforms.Normalize(p))] = true
}

func (g *gateway) ResolveImageConfig(_ context.Context, name string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	p := platforms.DefaultSpec()
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		p = *opt.ImageOpt.Platform
	}
	g.note(g.asked, name, p)
	config, err := json.Marshal(map[string]any{
		"os": p.OS, "architecture": p.Architecture, "variant": p.Variant,
		// An image without a layer is taken for scratch.
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + strings.Repeat("0", 64)}},
		"config": map[string]any{"OnBuild": g.question.OnBuild[name], "Env": []string{"PATH=/bin"}},
	})
	// Without a digest, which would become part of the name.
	return name, "", config, err
}

func (g *gateway) ResolveSourceMetadata(_ context.Context, op *pb.SourceOp, _ sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	return nil, fmt.Errorf("nothing is known of %s", op.Identifier)
}

func (g *gateway) Solve(_ context.Context, request client.SolveRequest) (*client.Result, error) {
	if request.Frontend != "" {
		g.frontend = request.FrontendOpt["source"]
		return nil, fmt.Errorf("passed on to %s", g.frontend)
	}
	for _, bytes := range request.Definition.GetDef() {
		var op pb.Op
		if err := op.UnmarshalVT(bytes); err != nil {
			return nil, err
		}
		if name, found := strings.CutPrefix(op.GetSource().GetIdentifier(), "docker-image://"); found {
			g.note(g.used, name, op.Platform.Spec())
		}
	}
	result := client.NewResult()
	result.SetRef(files{g})
	return result, nil
}

func (g *gateway) BuildOpts() client.BuildOpts {
	return client.BuildOpts{
		Opts: g.question.Opts,
		Workers: []client.WorkerInfo{{
			Platforms: []ocispecs.Platform{{OS: "linux", Architecture: "amd64"}},
		}},
		LLBCaps: pb.Caps.CapSet(pb.Caps.All()),
		Caps:    gatewaypb.Caps.CapSet(gatewaypb.Caps.All()),
	}
}

func (g *gateway) Inputs(context.Context) (map[string]llb.State, error) {
	return map[string]llb.State{"other": llb.Scratch()}, nil
}

func (g *gateway) NewContainer(context.Context, client.NewContainerRequest) (client.Container, error) {
	return nil, fmt.Errorf("nothing is run")
}

func (g *gateway) Warn(context.Context, digest.Digest, string, client.WarnOpts) error { return nil }

// files is every local folder: it has a Dockerfile and nothing else.
type files struct{ gateway *gateway }

func (f files) ReadFile(_ context.Context, request client.ReadRequest) ([]byte, error) {
	if request.Filename == "Dockerfile" {
		return []byte(f.gateway.question.Dockerfile), nil
	}
	return nil, &os.PathError{Op: "open", Path: request.Filename, Err: syscall.ENOENT}
}

func (f files) StatFile(_ context.Context, request client.StatRequest) (*fstypes.Stat, error) {
	return nil, &os.PathError{Op: "stat", Path: request.Path, Err: syscall.ENOENT}
}

func (f files) ReadDir(context.Context, client.ReadDirRequest) ([]*fstypes.Stat, error) {
	return nil, nil
}
func (f files) ToState() (llb.State, error)    { return llb.Scratch(), nil }
func (f files) Evaluate(context.Context) error { return nil }

func ask(q question) answer {
	g := &gateway{question: q, used: map[string]bool{}, asked: map[string]bool{}}
	_, err := builder.Build(context.Background(), g)
	a := answer{Used: sorted(g.used), Asked: sorted(g.asked), Frontend: g.frontend}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

func sorted(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for name := range set {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// Triggers that bring each other in keep the frontend for ever.
const patience = 5 * time.Second

func askWithPatience(q question) answer {
	answered := make(chan answer, 1)
	go func() { answered <- ask(q) }()
	select {
	case a := <-answered:
		return a
	case <-time.After(patience):
		return answer{Used: []string{}, Asked: []string{}, Hangs: true}
	}
}

func main() {
	questions := bufio.NewReader(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for {
		line, end := questions.ReadBytes('\n')
		if len(line) > 0 {
			var q question
			if err := json.Unmarshal(line, &q); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
			if err := answers.Encode(askWithPatience(q)); err != nil {
				os.Exit(1)
			}
		}
		if end != nil {
			return
		}
	}
}
