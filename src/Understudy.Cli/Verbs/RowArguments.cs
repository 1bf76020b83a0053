using System.CommandLine;
using Understudy.Data;
using Understudy.Evaluation;
using Understudy.Runs;

namespace Understudy.Cli.Verbs;

/// <summary>A student's folder and a file of rows, with what says how to read it: the keys of <c>data.train</c> in a run file.</summary>
internal sealed class RowArguments
{
    private readonly Argument<string> model = new("MODEL") { Description = "A student's folder, as it lies under models/ of a run folder." };
    private readonly Argument<string> file;
    private readonly Option<string[]> set = GlobalOptions.Set("How to read the file, in the keys of a run file's data.train, for example --set columns.text=sentence; max_rows takes the first ones. May be given several times.");
    private readonly Option<int> batchSize = new("--batch-size") { Description = "Rows classified at once.", HelpName = "N", DefaultValueFactory = _ => new EvaluationOptions().BatchSize };
    private readonly Option<int> threads = GlobalOptions.Threads();
    private readonly Option<string> device = GlobalOptions.Device();

    public RowArguments(string description)
    {
        file = new Argument<string>("FILE") { Description = description };
        model.Validators.Add(GlobalOptions.RefuseOptions);
        file.Validators.Add(GlobalOptions.RefuseOptions);
        batchSize.Validators.Add(option =>
        {
            if (option.Tokens.Count == 1 && int.TryParse(option.Tokens[0].Value, out var size) && size < 1)
                option.AddError($"--batch-size: expected at least 1, found {size}.");
        });
    }

    public void AddTo(Command verb)
    {
        verb.Add(model);
        verb.Add(file);
        verb.Add(set);
        verb.Add(batchSize);
        verb.Add(threads);
        verb.Add(device);
    }

    /// <summary>The file and how to read it. Sets the number of threads as well.</summary>
    /// <exception cref="RunFileException">A setting is wrong, or there is no such file.</exception>
    public DataSourceOptions Read(ParseResult parsed, Execution execution)
    {
        GlobalOptions.UseThreads(parsed.GetValue(threads));
        var overrides = parsed.GetValue(set) ?? [];
        foreach (var given in overrides)
            execution.Error.WriteLine($"override {given}");
        var source = RunFile.Parse<DataSourceOptions>("", "command line", [$"path={parsed.GetRequiredValue(file)}", .. overrides]);
        source.CheckInputs();
        return source.Options;
    }

    public string Model(ParseResult parsed) => parsed.GetRequiredValue(model);

    public EvaluationOptions Options(ParseResult parsed) => new() { BatchSize = parsed.GetValue(batchSize) };

    public Torch.Device Device(ParseResult parsed) => GlobalOptions.DeviceOf(parsed.GetRequiredValue(device));
}
