using Understudy.Data;
using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>Writes a commented run file for somebody's own data, such that it runs as it is.</summary>
public static class Init
{
    /// <summary>Looks at the files, chooses columns, split and sizes, and writes the run file.</summary>
    /// <param name="options">The files, and what is not to be guessed.</param>
    /// <returns>What was found and what may be expected.</returns>
    /// <exception cref="IOException">The run file is there already, or cannot be written.</exception>
    /// <exception cref="InvalidDataException">The data are no classification task, or cannot be read; the message says where and what to do.</exception>
    public static InitResult Write(InitOptions options)
    {
        var output = Path.GetFullPath(options.Output);
        if (Directory.Exists(output))
            throw new IOException($"{options.Output}: expected the name of a run file to write, found a folder. Name a file in it with --output, for example {Path.Combine(options.Output, "run.yaml")}.");
        if (File.Exists(output) && !options.Force)
            throw new IOException($"{options.Output}: there is such a file already. Choose another name with --output, or overwrite it with --force.");
        var data = InitData.Read(options);
        var plan = InitPlan.For(data);
        var text = InitText.Write(data, plan, options);
        Check(text, output);
        Storage.Replace(output, text);
        return new InitResult(options.Output, InitWords.Findings(data), InitWords.Expectations(data, plan));
    }

    // The readers are stricter than the guesses; what they refuse must come up now, not when the run begins.
    private static void Check(string text, string output)
    {
        var file = RunFile.Parse<RunOptions>(text, output, environment: _ => null);
        file.CheckInputs();
        var run = file.Options;
        // The text has this section: it is of this class' making.
        var data = run.Data!;
        _ = new ClassificationTask(run.Task, DataSets.Load(data, run.Seed).Labels, data.Columns);
    }
}
