using System.CommandLine;
using Understudy.Data;
using Understudy.Evaluation;
using Understudy.Runs;
using Understudy.Training;

namespace Understudy.Cli.Verbs;

/// <summary>A student's folder and a file of rows, with what says how to read it: the keys of <c>data.train</c> in a run file.</summary>
internal sealed class RowArguments
{
    private readonly Argument<string> model = new("MODEL") { Description = $"A student's folder, as it lies under models/ of a run folder, {NamedModel.OrByName}" };
    private readonly Argument<string> file;
    private readonly Option<string[]> set = GlobalOptions.Set("How to read the file, in the keys of a run file's data.train, for example --set columns.text=sentence; max_rows takes the first ones. May be given several times.");
    private readonly Option<int> batchSize = GlobalOptions.Number("--batch-size", 1, "Rows that are padded to a batch where the model cannot be packed, as on a GPU. It cannot change a result.");
    private readonly Option<PrecisionMode?> precision = GlobalOptions.Choice("--precision", new EvaluationOptions().Precision, "Arithmetic of the matrix products.");
    private readonly Option<int> threads = GlobalOptions.Threads();
    private readonly Option<string> device = GlobalOptions.Device();

    /// <summary>The arguments.</summary>
    /// <param name="description">What the file holds.</param>
    /// <param name="orStandardInput">Whether the file may be <c>-</c>, or left out when standard input is no terminal.</param>
    public RowArguments(string description, bool orStandardInput = false)
    {
        file = new Argument<string>("FILE") { Description = description };
        model.Validators.Add(GlobalOptions.RefuseOptions);
        file.Validators.Add(GlobalOptions.RefuseOptions);
        batchSize.DefaultValueFactory = _ => new EvaluationOptions().BatchSize;
        if (orStandardInput)
            file.Arity = ArgumentArity.ZeroOrOne;
    }

    public void AddTo(Command verb)
    {
        verb.Add(model);
        verb.Add(file);
        verb.Add(set);
        verb.Add(batchSize);
        verb.Add(precision);
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
        var path = parsed.GetValue(file) ?? (Console.IsInputRedirected ? "-" : throw new InvalidDataException("Expected a file, or texts on standard input, found neither. Name a file, or pipe texts into the command."));
        var source = RunFile.Parse<DataSourceOptions>("", "command line", [$"path={EnvironmentText.Escape(path == "-" ? StandardInput.Path : path)}", .. overrides]);
        if (source.Options.Path != StandardInput.Path)
            source.CheckInputs();
        return source.Options;
    }

    /// <summary>The model's folder, downloaded where it is on the Hub.</summary>
    public string Model(ParseResult parsed, Execution execution) => NamedModel.Folder(parsed.GetRequiredValue(model), execution);

    public EvaluationOptions Options(ParseResult parsed) => new()
    {
        BatchSize = parsed.GetValue(batchSize),
        Precision = parsed.GetValue(precision) ?? new EvaluationOptions().Precision,
    };

    public Torch.Device Device(ParseResult parsed) => GlobalOptions.DeviceOf(parsed.GetRequiredValue(device));
}
