using Understudy.Data;
using Understudy.Runs;

namespace Understudy.Tests.Runs;

public sealed class RunFileTests
{
    private static RunFile<SampleOptions> Parse(string text, params string[] overrides) =>
        RunFile.Parse<SampleOptions>(text, "a.yaml", overrides, Environment);

    private static string? Environment(string name) => name switch
    {
        "EPOCHS" => "7",
        "EMPTY" => "",
        "API_KEY" => "sk-123",
        _ => null,
    };

    private static string Fault(string text, params string[] overrides) =>
        Assert.Throws<RunFileException>(() => Parse(text, overrides)).Message;

    [Fact]
    public void Every_kind_of_value_is_read()
    {
        var options = Parse("""
            name: demo # comment
            count: 12
            seed: 9000000000
            rate: 3e-5
            fast: true
            choice: constant_with_warmup
            note: ~
            prompt: "{text}\nLabel:"
            labels: [yes, "no", 3, null_]
            descriptions: {book_flight: wants to fly, cancel: "stop: now"}
            student: {epochs: 4}
            students:
              - learning_rate: .5
              - {epochs: 2, learning_rate: 1}
            """).Options;
        Assert.Equal("demo", options.Name);
        Assert.Equal(12, options.Count);
        Assert.Equal(9_000_000_000, options.Seed);
        Assert.Equal(3e-5, options.Rate);
        Assert.True(options.Fast);
        Assert.Equal(SampleChoice.ConstantWithWarmup, options.Choice);
        Assert.Null(options.Note);
        Assert.Equal("{text}\nLabel:", options.Prompt);
        Assert.Equal(["yes", "no", "3", "null_"], options.Labels);
        Assert.Equal(["book_flight", "cancel"], options.Descriptions.Keys);
        Assert.Equal("stop: now", options.Descriptions["cancel"]);
        Assert.Equal(new StudentSample { Epochs = 4 }, options.Student);
        Assert.Equal([new StudentSample { LearningRate = 0.5 }, new StudentSample { Epochs = 2, LearningRate = 1 }], options.Students);
        Assert.Null(options.Other);
    }

    [Fact]
    public void All_faults_are_reported_at_once_with_their_places()
    {
        Assert.Equal("""
            a.yaml(4,1): duplicate key 'count'. It stands already at a.yaml(1,1); remove one of them.
            a.yaml(1,8): count: expected a whole number, found 'three'.
            a.yaml(3,3): unknown key 'student.epoch'. Did you mean 'epochs'?
            a.yaml(5,7): fast: expected true or false, found 'maybe'.
            a.yaml(6,9): choice: expected one of linear, constant_with_warmup, found 'linaer'. Did you mean 'linear'?
            a.yaml(7,9): labels: expected a list, found 'yes'. Write [yes].
            a.yaml(8,9): prompt: expected a text, found nothing (null). Give a value or remove the key.
            a.yaml(9,1): unknown key 'learning_rate'. Did you mean 'student.learning_rate'?
            a.yaml(1,1): missing key 'name'. It has no default value; add it.
            """.ReplaceLineEndings("\n"), Fault("""
            count: three
            student:
              epoch: 3
            count: 4
            fast: maybe
            choice: linaer
            labels: yes
            prompt: null
            learning_rate: 3
            """));
    }

    [Theory]
    [InlineData("", "a.yaml(1,1): missing key 'name'. It has no default value; add it.")]
    [InlineData("- a", "a.yaml(1,1): expected a section with keys such as 'name', 'count', 'seed', found a list.")]
    [InlineData("name: a\ncount: 3.5", "a.yaml(2,8): count: expected a whole number, found '3.5'.")]
    [InlineData("name: a\ncount: 3000000000", "a.yaml(2,8): count: expected a whole number from -2147483648 to 2147483647, found '3000000000'.")]
    [InlineData("name: a\nrate: .nan", "a.yaml(2,7): rate: expected a number, found '.nan'.")]
    [InlineData("name: a\nrate: 1e999", "a.yaml(2,7): rate: expected a number that fits 64-bit floating point, found '1e999'.")]
    [InlineData("name: [a]", "a.yaml(1,7): name: expected a text, found a list.")]
    [InlineData("name: a\nstudent: 3", "a.yaml(2,10): expected a section with keys such as 'epochs', 'learning_rate', found '3'.")]
    [InlineData("name: a\nstudent:", "a.yaml(2,9): student: expected a section, found nothing (null). Give a value or remove the key.")]
    [InlineData("name: a\nzzz: 3", "a.yaml(2,1): unknown key 'zzz'. Known keys: name, count, seed, rate, fast, choice, note, prompt, labels, descriptions, student, other, students, file.")]
    [InlineData("name: a\ncount: 0\nstudents: [{epochs: 1}, {epochs: -1}]", "a.yaml(3,26): students[1].epochs: expected at least 1, found -1.\na.yaml(2,1): count: expected at least 1, found 0.")]
    [InlineData("name: a\n---\nname: b", "a.yaml(2,1): the YAML cannot be read: a second document begins here, but a run file is one document. Check indentation (spaces, no tabs), colons and quotation marks near this place.")]
    [InlineData("name: &x a\nnote: *x", "a.yaml(1,7): the YAML cannot be read: anchors (&name) and aliases (*name) are not supported; write the value out, in quotation marks if it begins with & or *. Check indentation (spaces, no tabs), colons and quotation marks near this place.")]
    [InlineData("name: !!str a", "a.yaml(1,7): the YAML cannot be read: tags (!name) are not supported; write the value in quotation marks if it begins with !. Check indentation (spaces, no tabs), colons and quotation marks near this place.")]
    [InlineData("? [a]\n: b", "a.yaml(1,3): the YAML cannot be read: a key was expected here: a plain text such as 'learning_rate'. Check indentation (spaces, no tabs), colons and quotation marks near this place.")]
    public void A_fault_has_its_text(string text, string expected) => Assert.Equal(expected, Fault(text));

    [Fact]
    public void Depth_is_bounded()
    {
        var message = Fault("name: " + new string('[', 100_000));
        Assert.Contains("nested more than 32 deep", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("name: 'unterminated")]
    [InlineData("a: b: c")]
    [InlineData("\t- x")]
    [InlineData("name: \"\\x\"")]
    [InlineData("%YAML 9.9\n---\nname: a")]
    [InlineData("name: a\n\0")]
    [InlineData("]")]
    public void Broken_yaml_is_a_fault_with_a_place(string text) =>
        Assert.StartsWith("a.yaml(", Fault(text), StringComparison.Ordinal);

    [Fact]
    public void Random_bytes_never_do_anything_but_fail_with_a_fault()
    {
        var random = new Understudy.Data.SeededRandom(11);
        const string Alphabet = "name: count[]{}&*!|>'\"%@`#-?,\n\n  \t0a~$\u00e9\U0001F600";
        for (var i = 0; i < 3000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.NextInt(60)).Select(_ => Alphabet[random.NextInt(Alphabet.Length)]));
            try
            {
                Parse(text);
            }
            catch (RunFileException e)
            {
                Assert.NotEmpty(e.Faults);
            }
        }
    }

    [Fact]
    public void Overrides_replace_values_of_every_depth()
    {
        var options = Parse("name: a\nstudents: [{epochs: 1}, {epochs: 2}]\nother: null",
            "count=5", "student.epochs=9", "students.1.epochs=3", "students[0].learning_rate=2", "other.epochs=4",
            "labels=[x, 'y z']", "prompt={text} is: *", "note=", "name=\"quoted # text\"").Options;
        Assert.Equal(5, options.Count);
        Assert.Equal(9, options.Student.Epochs);
        Assert.Equal([new StudentSample { Epochs = 1, LearningRate = 2 }, new StudentSample { Epochs = 3 }], options.Students);
        Assert.Equal(4, options.Other!.Epochs);
        Assert.Equal(["x", "y z"], options.Labels);
        Assert.Equal("{text} is: *", options.Prompt);
        Assert.Null(options.Note);
        Assert.Equal("quoted # text", options.Name);
    }

    [Theory]
    [InlineData("prompt={text}", "{text}")]
    [InlineData("prompt=[INST]", "[INST]")]
    [InlineData("prompt=a: b", "a: b")]
    [InlineData("prompt=*{text}", "*{text}")]
    public void An_override_of_a_text_is_taken_as_it_stands(string given, string expected) =>
        Assert.Equal(expected, Parse("name: a", given).Options.Prompt);

    [Theory]
    [InlineData("epochs", "--set epochs: expected key=value, for example --set students.0.training.epochs=3.")]
    [InlineData("=3", "--set =3: expected key=value, for example --set students.0.training.epochs=3.")]
    [InlineData("student.epoch=3", "--set student.epoch=3: unknown key 'student.epoch'. Did you mean 'epochs'?")]
    [InlineData("student.epochs=many", "--set student.epochs=many: student.epochs: expected a whole number, found 'many'.")]
    [InlineData("student.epochs=0", "--set student.epochs=0: student.epochs: expected at least 1, found 0.")]
    [InlineData("students.2.epochs=1", "--set students.2.epochs=1: 'students' has no entry '2': its entries are numbered 0 to 0.")]
    [InlineData("name.x=1", "--set name.x=1: 'name' is a single value, so nothing stands under it.")]
    [InlineData("labels=a", "--set labels=a: labels: expected a list, found 'a'. Write [a].")]
    public void A_wrong_override_is_named(string given, string expected) =>
        Assert.Equal(expected, Fault("name: a\nstudents: [{}]", given));

    [Fact]
    public void Environment_variables_are_filled_in()
    {
        var options = Parse("""
            name: "x${EPOCHS}y$${EPOCHS}"
            count: ${EPOCHS}
            rate: ${NONE:-0.5}
            prompt: ${EMPTY:-fallback}
            note: "$5 {text}"
            """).Options;
        Assert.Equal("x7y${EPOCHS}", options.Name);
        Assert.Equal(7, options.Count);
        Assert.Equal(0.5, options.Rate);
        Assert.Equal("fallback", options.Prompt);
        Assert.Equal("$5 {text}", options.Note);
    }

    [Theory]
    [InlineData("name: ${NONE}", "a.yaml(1,7): name: the environment variable 'NONE' is not set. Set it, or write ${NONE:-default}.")]
    [InlineData("name: ${a b}", "a.yaml(1,7): name: '${a b}' does not name an environment variable. Write ${NAME} or ${NAME:-default}; write $${ for the characters themselves.")]
    [InlineData("name: ${X", "a.yaml(1,7): name: '${X' does not name an environment variable. Write ${NAME} or ${NAME:-default}; write $${ for the characters themselves.")]
    [InlineData("name: a\ncount: ${API_KEY}", "a.yaml(2,8): count: expected a whole number, found '${API_KEY}'.")]
    public void A_variable_at_fault_is_named_and_a_secret_is_not_shown(string text, string expected) => Assert.Equal(expected, Fault(text));

    [Fact]
    public void A_secret_is_written_back_as_the_variable()
    {
        var file = Parse("name: a\nnote: ${API_KEY}");
        Assert.Equal("sk-123", file.Options.Note);
        Assert.DoesNotContain("sk-123", file.ToYaml(), StringComparison.Ordinal);
        Assert.Equal("sk-123", Parse(file.ToYaml()).Options.Note);
    }

    [Fact]
    public void Paths_start_at_the_folder_of_the_file_and_those_of_overrides_at_the_current_directory()
    {
        var folder = Path.GetFullPath("configs");
        var file = RunFile.Parse<SampleOptions>("name: a\nfile: ../data/x.jsonl", "configs/a.yaml");
        Assert.Equal(Path.GetFullPath(Path.Combine(folder, "../data/x.jsonl")), file.Options.File);
        var overridden = RunFile.Parse<SampleOptions>("name: a", "configs/a.yaml", ["file=x.jsonl"]);
        Assert.Equal(Path.GetFullPath("x.jsonl"), overridden.Options.File);
        var missing = Assert.Throws<RunFileException>(overridden.CheckInputs);
        Assert.Equal($"--set file=x.jsonl: file: there is no file or folder '{Path.GetFullPath("x.jsonl")}'. Relative paths start at the run file's folder (those of --set at the current directory).", missing.Message);
    }

    public sealed record PathSample
    {
        [InputPath]
        public string? File { get; init; }

        [InputPath(Folder = true)]
        public string? Folder { get; init; }
    }

    [Fact]
    public void A_file_and_a_folder_do_not_stand_for_each_other()
    {
        var folder = Path.GetTempPath();
        var file = typeof(RunFileTests).Assembly.Location;
        var given = RunFile.Parse<PathSample>("", "a.yaml", [$"file={folder}", $"folder={file}"]);
        Assert.Equal(
            $"--set file={folder}: file: expected a file, found the folder '{folder}'. Name the file in it.\n--set folder={file}: folder: expected a folder, found the file '{file}'. Name the folder that holds it.",
            Assert.Throws<RunFileException>(given.CheckInputs).Message);
        RunFile.Parse<PathSample>("", "a.yaml", [$"file={file}", $"folder={folder}"]).CheckInputs();
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_a_fault()
    {
        Assert.Equal("nowhere.yaml: there is no such run file.",
            Assert.Throws<RunFileException>(() => RunFile.Load<SampleOptions>("nowhere.yaml")).Message);
        var path = Path.GetTempFileName();
        File.WriteAllBytes(path, [0x6E, 0xFF, 0xFE]);
        Assert.Equal($"{path}: the file is not valid UTF-8. Save it as UTF-8.",
            Assert.Throws<RunFileException>(() => RunFile.Load<SampleOptions>(path)).Message);
        File.Delete(path);
    }
}
