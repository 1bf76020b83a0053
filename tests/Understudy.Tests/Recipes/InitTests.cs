using System.IO.Compression;
using System.Text;
using Understudy.Data;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Tests.Recipes;

/// <summary>Run files for files as people have them.</summary>
[Collection(LiveTensors.Name)]
public sealed class InitTests : IDisposable
{
    private static readonly string[] Verbs = ["play", "stop", "buy"];
    private static readonly string[] Things = ["music", "radio", "songs", "jazz", "news", "bread", "milk", "tea"];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string, string, string> Files() => new()
    {
        // The file's name, its text, and the columns that should be found.
        { "quotes.csv", "\uFEFFid,utterance,intent\n" + Rows((i, verb, thing) => $"{i},\"please \"\"{verb}\"\" some, {thing}\nnow\",{verb}"), "quotes: id utterance - intent" },
        { "semicolons.csv", "Text;Class\n" + Rows((_, verb, thing) => $"please {verb} some, {thing};{verb}"), "semicolons: - Text - Class" },
        { "tabs.tsv", "label\tsentence\n" + Rows((_, verb, thing) => $"{verb}\tplease {verb} a \"{thing}"), "tabs: - sentence - label" },
        { "quoted.tsv", "\"label\"\t\"sentence\"\n" + Rows((_, verb, thing) => $"\"{verb}\"\t\"please {verb}\t{thing}\""), "quoted: - sentence - label" },
        { "noextension", "label\tsentence\n" + Rows((_, verb, thing) => $"{verb}\tplease {verb} {thing}"), "noextension: - sentence - label" },
        { "nested.jsonl", Rows((i, verb, thing) => $$"""{"meta":{"label":"x"},"uid":{{i}},"tags":["a"],"language":"en","text":"{{verb}} {{thing}}","label":{{Array.IndexOf(Verbs, verb)}},"label_text":"{{verb}}","score":0.{{i}}}"""), "nested: uid text - label_text" },
        { "extra.jsonl", Rows((i, verb, thing) => $$"""{"text":"{{verb}} {{thing}}","intent":"{{verb}}"{{(i % 2 == 0 ? ",\"note\":\"seen\"" : "")}}}"""), "extra: - text - intent" },
        { "pairs.csv", "premise,hypothesis,gold_label\n" + Rows((_, verb, thing) => $"they {verb} {thing},someone likes {thing},{verb}"), "pairs: - premise hypothesis gold_label" },
        { "questions.csv", "question2,question1,same\n" + Rows((i, verb, thing) => $"who can {verb} {thing},can we {verb} {thing},{i % 2}"), "questions: - question1 question2 same" },
        { "integers.csv", "text,y\n" + Rows((_, verb, thing) => $"{verb} {thing},{Array.IndexOf(Verbs, verb)}"), "integers: - text - y" },
        { "booleans.jsonl", Rows((i, verb, thing) => $$"""{"comment":"{{verb}} {{thing}}","toxic":{{(i % 2 == 0 ? "true" : "false")}}}"""), "booleans: - comment - toxic" },
        { "spaces.csv", "text,label\n" + Rows((_, verb, thing) => $"{verb} {thing},\"to {verb}: {{now}} # ${{HOME}} 'x' \\\"\"\""), "spaces: - text - label" },
        { "hostile.csv", "text,label,\"kind\n\u2028seed: 2 \u001b[2J\"\n" + Rows((i, verb, thing) => $"{verb} {thing},{verb},{i % 2}"), "hostile: - text - label" },
        { "alike.csv", "text,label\n" + Rows((i, verb, thing) => $"{verb} {thing},{(i % 2 == 0 ? "book_${HOME}" : "book ${HOME}")}"), "alike: - text - label" },
        { "o'dd: {name} ${HOME} #ü.csv", "\"my: {text}, ${HOME} #1\",\"label's \"\"kind\"\"\"\n" + Rows((_, verb, thing) => $"{verb} {thing},{verb}"), "o-dd---name----HOME: - my: {text}, ${HOME} #1 - label's \"kind\"" },
        { "notunique.csv", "id,key,text,label\n" + Rows((i, verb, thing) => $"1,k{i},{verb} {thing},{verb}"), "notunique: key text - label" },
        { "中文.csv", "文本,label\n" + Rows((i, verb, _) => $"请播放第{i}首音乐吧好吗谢谢你,{verb}"), "run: - 文本 - label" },
    };

    private static string Rows(Func<int, string, string, string> row) =>
        string.Concat(Things.SelectMany((thing, t) => Verbs.Select((verb, v) => row((t * Verbs.Length) + v, verb, thing) + "\n")));

    [Theory]
    [MemberData(nameof(Files))]
    public void A_run_file_for_a_file_as_people_have_it_is_right(string name, string text, string expected)
    {
        File.WriteAllText(folder[name], text, new UTF8Encoding(false));
        var run = Prepared(new InitOptions { File = folder[name], Output = folder["deep/er/run.yaml"] }, out var data);
        var columns = run.Data!.Columns;
        Assert.Equal(expected, $"{run.Name}: {columns.Id ?? (data.Train[0].Id.Contains(':', StringComparison.Ordinal) ? "-" : "id")} {columns.Text} {columns.TextPair ?? "-"} {columns.Label}");
        Assert.Equal([RunArm.SeedsOnly], run.Arms);
        Assert.Equal(24, data.Train.Count + data.Test.Count);
        Assert.Equal(7, data.Test.Count);
        Assert.Equal(folder[name], run.Data.Train.Path);
    }

    [Fact]
    public void Labels_keep_what_YAML_and_templates_would_read()
    {
        File.WriteAllText(folder["a.csv"], "text,label\n" + Rows((i, verb, thing) => $"{verb} {thing},{(i % 2 == 0 ? "book_${HOME}" : "book ${HOME}")}"));
        var run = Prepared(new InitOptions { File = folder["a.csv"], Output = folder["run.yaml"] }, out _);
        Assert.Equal("book ${HOME}", run.Task.LabelWords["book ${HOME}"]);
        Assert.Equal("book_${HOME}", run.Task.LabelWords["book_${HOME}"]);
    }

    [Fact]
    public void Files_beside_the_labelled_one_are_read_in_their_own_way()
    {
        File.WriteAllText(folder["train.csv"], "uid,utterance,intent\n" + Rows((i, verb, thing) => $"t{i},please {verb} {thing},{verb}"));
        File.WriteAllText(folder["test.jsonl"], Rows((_, verb, thing) => $$"""{"utterance":"{{verb}} {{thing}} now","intent":"{{verb}}"}"""));
        using (var packed = new GZipStream(File.Create(folder["pool.txt.gz"]), CompressionLevel.Fastest))
            packed.Write(Encoding.UTF8.GetBytes(Pool(200)));
        File.WriteAllText(folder["more.csv"], "when;body\n1;turn the heating up please\n2;and the lights\n");
        var result = Init.Write(new InitOptions { File = folder["train.csv"], Test = folder["test.jsonl"], Unlabelled = [folder["pool.txt.gz"], folder["more.csv"]], Output = folder["run.yaml"] });
        var run = Load(folder["run.yaml"], out var data);
        Assert.Equal((24, 24, 202), (data.Train.Count, data.Test.Count, data.Unlabelled.Count));
        Assert.Equal("body", run.Data!.Unlabelled[1].Columns!.Text);
        Assert.Equal([RunArm.SeedsOnly, RunArm.Annotated], run.Arms);
        Assert.Equal(
            """
            text: column 'utterance', by its name; 24 rows, 24 different, 3 words on average
            label: column 'intent', by its name; 3 labels, 8 rows each: 'buy' 8, 'play' 8, 'stop' 8
            id: column 'uid'
            test: 24 rows
            unlabelled: 'pool.txt.gz', 200 different texts, 1,200 words
            unlabelled: 'more.csv', 2 different texts, 8 words, in column 'body'
            """.ReplaceLineEndings("\n"), string.Join('\n', result.Findings));
        Assert.Equal(
            """
            On 24 test rows an accuracy is known to within about 20 points: smaller differences between arms say nothing.
            The teacher is made from random weights and reads 1,208 words in its life, which is very little: expect it to label hardly better than the student trained on the labelled rows alone, and the arm annotated to gain a few points at best. A hundred times as much text, or a teacher that exists (teacher.model), changes that.
            """.ReplaceLineEndings("\n"), string.Join('\n', result.Expectations));
    }

    [Fact]
    public void The_run_file_runs_as_it_is()
    {
        File.WriteAllText(folder["train.csv"], "uid,text,label\n" + Rows((i, verb, thing) => $"t{i},please {verb} {thing},{verb}"));
        File.WriteAllText(folder["pool.txt"], Pool(60, words: 20));
        Init.Write(new InitOptions { File = folder["train.csv"], Unlabelled = [folder["pool.txt"]], Output = folder["run.yaml"] });
        var file = RunFile.Load<RunOptions>(folder["run.yaml"],
        [
            "arms=[seeds_only,annotated,generated,both]", "pretrain.training.max_steps=2", "pretrain.architecture.hidden_size=16", "pretrain.architecture.num_hidden_layers=1", "pretrain.tokenizer.vocabulary_size=300",
            "teacher.tune.max_steps=2", "generate.per_label=1", "generate.max_attempts=1", "generate.sampling.max_new_tokens=4",
            "students.0.architecture.hidden_size=16", "students.0.architecture.num_hidden_layers=1", "students.0.tokenizer.vocabulary_size=300", "students.0.training.max_steps=2", "students.0.synthetic_training.max_steps=2",
        ]);
        using (var run = RunFolder.Open(folder["run"]))
        {
            run.Write(file);
            var result = Distill.Run(file.Options, new RunContext(run, RunProgress.None, Device.CPU, default));
            Assert.Equal(["seeds_only", "annotated", "generated", "both"], result.Arms.Select(arm => arm.Arm));
            Assert.All(result.Arms, arm => Assert.Equal(7, arm.Test!.Rows));
        }

        // What is known of a run before it begins is what it then does.
        var stages = Directory.EnumerateDirectories(folder["run/stages"]).Select(one => Path.GetFileName(one)).Order(StringComparer.Ordinal);
        Assert.Equal(RunStages.Of(file.Options).Select(stage => stage.Name).Order(StringComparer.Ordinal), stages);
        var status = RunStatus.Read(folder["run"]);
        Assert.True(status.Finished);
        Assert.Null(status.Process);
        Assert.Null(status.Note);
        Assert.Equal(RunStages.Of(file.Options).Select(stage => (stage.Name, StageProgressState.Done)), status.Stages.Select(stage => (stage.Name, stage.State)));
        Assert.Equal(60, status.Stages.Single(stage => stage.Name == "annotate").Rows);
    }

    private static string Pool(int texts, int words = 6) =>
        string.Concat(Enumerable.Range(0, texts).Select(i => $"{string.Join(' ', Enumerable.Range(0, words - 1).Select(w => Things[(i + w) % Things.Length]))} {i}\n"));

    private static RunOptions Prepared(InitOptions options, out DataSets data)
    {
        var result = Init.Write(options);
        Assert.Equal(options.Output, result.Path);
        return Load(options.Output, out data);
    }

    private static RunOptions Load(string path, out DataSets data)
    {
        var file = RunFile.Load<RunOptions>(path, environment: _ => null);
        file.CheckInputs();
        data = DataSets.Load(file.Options.Data!, file.Options.Seed);
        _ = new ClassificationTask(file.Options.Task, data.Labels, file.Options.Data!.Columns);
        return file.Options;
    }
}
